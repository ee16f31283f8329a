/* The load generator: N farmers in one process, on one core, with one epoll. run.h lists its files;
 * this one has the options, the conversation with the Python side, and the results as JSON.
 *
 * stdin and stdout are the conversation: a line of JSON goes out when everybody has arrived, when
 * the mode has run, and when everything is counted; between them the Python side reads the server's
 * accounts and says "go". */
#include "dialects.h"
#include "modes.h"
#include "tally.h"
#include "wire.h"

#include <getopt.h>
#include <sys/resource.h>

/* Ports with commas between. */
static void read_ports(const char *value) {
    char *end = NULL;
    for (opt.nodes = 0; *value && opt.nodes < NODES; value = *end ? end + 1 : end)
        opt.ports[opt.nodes++] = (int)strtol(value, &end, 10);
}

static void set_option(int which, const char *value) {
    switch (which) {
        case 'm': opt.mode = value; break;
        case 'd': opt.dialect = value; break;
        case 'p': read_ports(value); break;
        case 'x': opt.part = atoi(value); break;
        case 'X': opt.parts = atoi(value); break;
        case 'n': opt.farmers = atoi(value); break;
        case 't': opt.talkers = atoi(value); break;
        case 'l': opt.lines = atoi(value); break;
        case 'w': opt.window = atoi(value); break;
        case 's': opt.stalled = atoi(value); break;
        case 'c': opt.counting = atoi(value); break;
        case 'a': opt.arriving = atoi(value); break;
        case 'r': opt.rate = atof(value); break;
        case 'e': opt.seed = atoi(value); break;
        case 'P': opt.patience = atof(value); break;
        case 'D': opt.deadline = atof(value); break;
        case 'T': opt.tls = atoi(value); break;
        case 'v': opt.varied = atoi(value); break;
        default: exit(2);
    }
}

static void read_options(int argc, char **argv) {
    static const struct option known[] = {
        {"mode", 1, 0, 'm'},     {"dialect", 1, 0, 'd'}, {"port", 1, 0, 'p'},
        {"farmers", 1, 0, 'n'},  {"talkers", 1, 0, 't'}, {"lines", 1, 0, 'l'},
        {"window", 1, 0, 'w'},   {"stalled", 1, 0, 's'}, {"arriving", 1, 0, 'a'},
        {"rate", 1, 0, 'r'},     {"seed", 1, 0, 'e'},    {"patience", 1, 0, 'P'},
        {"deadline", 1, 0, 'D'}, {"tls", 1, 0, 'T'},     {"varied", 1, 0, 'v'},
        {"counting", 1, 0, 'c'}, {"part", 1, 0, 'x'},
        {"parts", 1, 0, 'X'},   {0, 0, 0, 0},
    };
    for (int which; (which = getopt_long(argc, argv, "", known, NULL)) != -1;)
        set_option(which, optarg);
    lang = dialect_named(opt.dialect);
    if (!lang || !opt.nodes || !opt.ports[0] || opt.farmers < 2 || opt.farmers > 65535 || opt.talkers > opt.farmers ||
        opt.parts < 1 || opt.part >= opt.parts) {
        fprintf(stderr, "generator: bad options\n");
        exit(2);
    }
}

static void open_farmers(void) {
    bool crowd = !strcmp(opt.mode, "crowd");
    farmers = calloc((size_t)opt.farmers, sizeof *farmers);
    for (int i = 0; i < opt.farmers; i++) {
        farmers[i].id = i;
        name_of(i, farmers[i].name);
        /* calloc hands out pages of zeros that only exist once they are written to */
        if (crowd) farmers[i].arrivals = calloc((size_t)opt.farmers, sizeof(uint16_t));
    }
}

static double own_cpu(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void report_arrivals(void) {
    printf(
        "{\"inside\":%d,\"cut\":%lu,\"arrived_s\":%.4f,\"announced_s\":%.4f,\"announcements\":%lu",
        inside_count, cuts, (double)arrived_ns / 1e9, (double)announced_ns / 1e9, announcements);
    printf(",\"generator_cpu_s\":%.4f", own_cpu());
    if (!strcmp(opt.mode, "crowd") && announcements)
        printf(",\"in_order\":%s", arrivals_in_order() ? "true" : "false");
    printf("}\n");
    fflush(stdout);
}

static uint32_t segments_since_go(void) {
    uint32_t sum = 0;
    for (int i = 0; i < opt.farmers; i++)
        if (!farmers[i].stalled && farmers[i].stage == INSIDE)
            sum += wire_segments(&farmers[i]) - farmers[i].segments;
    return sum;
}

static void report_run(double cpu) {
    printf("{\"delivered\":%lu,\"unfinished\":%lu,\"segments\":%u,",
           delivered + tally_counted_lines(), unfinished, segments_since_go());
    printf("\"seconds\":%.4f,\"generator_cpu_s\":%.4f,", (double)run_ns / 1e9, cpu);
    for (int place = 0; opt.nodes > 1 && place < 2; place++)
        printf("\"%s_p50_us\":%.1f,\"%s_p99_us\":%.1f,", place ? "across" : "within",
               latency_us(0.5, place), place ? "across" : "within", latency_us(0.99, place));
    printf("\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}\n", latency_us(0.5, -1),
           latency_us(0.99, -1), latency_us(0.999, -1), latency_us(1, -1));
    fflush(stdout);
}

static void report_counts(uint64_t cut) {
    printf("{");
    mode_report();
    tally_counts t = tally_close(!strcmp(opt.mode, "whispers"));
    printf(
        "\"expected\":%lu,\"lost\":%lu,\"doubled\":%lu,\"disordered\":%lu,\"corrupt\":%lu,"
        "\"stray\":%lu,"
        "\"cut\":%lu}\n",
        t.expected, t.lost, t.doubled, t.disordered, t.corrupt, t.stray, cut);
    fflush(stdout);
}

static void wait_for_go(void) {
    char word[16];
    if (!fgets(word, sizeof word, stdin)) exit(0);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    open_farmers();
    wire_open(split);
    tally_open(opt.talkers, opt.lines);
    arrive_all();
    report_arrivals();
    wait_for_go();
    for (int i = 0; i < opt.farmers; i++)
        if (farmers[i].stage == INSIDE) farmers[i].segments = wire_segments(&farmers[i]);
    double cpu = own_cpu();
    uint64_t cut = cuts;
    mode_run();
    report_run(own_cpu() - cpu);
    wait_for_go();
    report_counts(cuts - cut);
    wait_for_go(); /* the connections stay until the server's accounts have been read */
    return 0;
}
