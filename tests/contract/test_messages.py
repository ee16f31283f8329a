"""Every sentence of the wire contract, word by word, and the same as data."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from twisted.trial.unittest import SynchronousTestCase

from granja.contract import errors, messages
from granja.contract.catalog import Artifact, Catalog
from granja.contract.errors import GranjaError
from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.contract.messages import Message
from granja.market.offers import Ended, How, News, Offer, SwapNews
from granja.trade import wording
from tools.protocol_samples import CATALOG, ERRORS, MESSAGES

ANA, GUS = FarmerId(1), FarmerId(2)
ARROW, DISC, ANCHOR, CRYSTAL = (CATALOG[number] for number in (6, 12, 21, 22))
TRILOBITE, SHOULDER = CATALOG[42], CATALOG[32]

#: PROTOCOL §2, §3, §5 and §6: what people hear, word for word.
CONTRACT: list[tuple[Message, str]] = [
    (messages.ASK_NAME, "[SERVER] Ingresa tu nombre:"),
    (messages.ASK_PASSWORD, "[SERVER] Contraseña:"),
    (messages.ASK_NEW_PASSWORD, "[SERVER] Elige una contraseña nueva:"),
    (messages.ASK_ARTIFACTS, "[SERVER] Cuéntame, ¿qué artefactos tienes?"),
    (messages.ASK_CONFIRMATION, "[SERVER] ¿Está Bien? (Sí/No)"),
    (messages.Welcome(), "¡Bienvenid@ al chat de Granjerxs!"),
    (messages.Ready("Ana"), "[SERVER] ¡OK!"),
    (messages.GOODBYE, "[SERVER] ¡Adiós y suerte completando tu colección!"),
    (messages.TIME_UP, "[SERVER] Tiempo agotado."),
    (messages.REPLACED, "[SERVER] Entraste desde otro lugar."),
    (messages.LEASE_LOST, "[SERVER] Se perdió la conexión con la granja; vuelve a entrar."),
    (messages.ALREADY_HERE, "[SERVER] Ya estás aquí."),
    (messages.PASSES_ENDED, "[SERVER] Tus pases ya no sirven."),
    (messages.WelcomeBack("Ana"), "[SERVER] Hola de nuevo, Ana."),
    (messages.Pass("abc", 120), ""),
    (messages.I_AM_HERE, "[SERVER] Aquí estoy."),
    (
        messages.STILL_UNKNOWN,
        "[SERVER] Todavía no se sabe si el intercambio se guardó; te aviso.",
    ),
    (messages.TOO_MANY_TRIES, "[SERVER] Hay demasiados intentos; espera un momento…"),
    (messages.Acted("Ana", "baila"), "* Ana baila"),
    (
        messages.PersonHere("Ana", True, "203.0.113.7", 779, False),
        "[SERVER] Ana (registrada) desde 203.0.113.7, hace 12 min",
    ),
    (
        messages.PersonHere("Ana", True, "203.0.113.7", 3599, False),
        "[SERVER] Ana (registrada) desde 203.0.113.7, hace 59 min",
    ),
    (
        messages.PersonHere("Ana", True, "203.0.113.7", 3600, False),
        "[SERVER] Ana (registrada) desde 203.0.113.7, hace 1 h",
    ),
    (
        messages.PersonHere("Ana", False, "203.0.113.7", 2 * 3600 + 3599, True),
        "[SERVER] Ana (visitante) desde 203.0.113.7, hace 2 h, en pausa",
    ),
    (
        messages.PersonHere("Ana", False, "unix", 86400 - 1, False),
        "[SERVER] Ana (visitante) desde unix, hace 23 h",
    ),
    (
        messages.PersonHere("Ana", False, "unix", 86400, False),
        "[SERVER] Ana (visitante) desde unix, hace 1 día",
    ),
    (
        messages.PersonHere("Ana", False, "unix", 3 * 86400, False),
        "[SERVER] Ana (visitante) desde unix, hace 3 días",
    ),
    (
        messages.PersonHere("Ana", True, "", 0, True),
        "[SERVER] Ana (registrada) desde un lugar desconocido, hace 0 min, en pausa",
    ),
    (messages.Expelled("spam"), "[SERVER] Te expulsaron: spam."),
    (messages.Expelled(""), "[SERVER] Te expulsaron."),
    (messages.HasExpelled("Ana"), "[SERVER] Expulsaste a Ana."),
    (messages.HasMuted("Ana", "14:35"), "[SERVER] Callaste a Ana hasta las 14:35."),
    (messages.MaySpeak("Ana"), "[SERVER] Ana puede hablar."),
    (
        messages.HasBanned("Ana", "14:35 del 3/12"),
        "[SERVER] Vetaste a Ana hasta las 14:35 del 3/12.",
    ),
    (
        messages.BanRow("Ana", "14:35 del 3/12", "spam", "Marta"),
        "[SERVER] Ana: hasta las 14:35 del 3/12 (spam), por Marta",
    ),
    (
        messages.BanRow("203.0.113.0/24", "14:35", "", "Marta"),
        "[SERVER] 203.0.113.0/24: hasta las 14:35, por Marta",
    ),
    (messages.NO_BANS, "[SERVER] No hay vetos."),
    (messages.HasPardoned("Ana"), "[SERVER] Perdonaste a Ana."),
    (messages.Announced("hay feria"), "[SERVER] Aviso: hay feria"),
    (messages.TRADE_FROZEN, "[SERVER] Los intercambios quedaron detenidos."),
    (messages.TRADE_THAWED, "[SERVER] Los intercambios siguen."),
    (messages.Ignored("Beto"), "[SERVER] Ya no escuchas a Beto."),
    (messages.HeardAgain("Beto"), "[SERVER] Escuchas a Beto otra vez."),
    (messages.Ignoring(("Beto", "Caro")), "[SERVER] No escuchas a: Beto, Caro"),
    (messages.HEARS_EVERYBODY, "[SERVER] Escuchas a todos."),
    (messages.DOOR_CLOSED, "[SERVER] Ya no recibes ofertas."),
    (messages.DOOR_OPEN, "[SERVER] Recibes ofertas otra vez."),
    (messages.LastLines(1), "[SERVER] La última línea:"),
    (messages.LastLines(3), "[SERVER] Las últimas 3 líneas:"),
    (messages.SaidBefore("26/11 14:05", "Ana", "hola"), "[26/11 14:05] Ana: hola"),
    (messages.ActedBefore("14:05", "Ana", "baila"), "[14:05] * Ana baila"),
    (
        messages.NETWORK_FULL,
        "[SERVER] Hay demasiadas conexiones desde tu red; inténtalo más tarde.",
    ),
    (messages.FARM_FULL, "[SERVER] La granja está llena; inténtalo más tarde."),
    (messages.SHUTDOWN, "[SERVER] El servidor se apaga. ¡Hasta pronto!"),
    (messages.PASSWORD_CHANGED, "[SERVER] Contraseña cambiada."),
    (messages.NameRegistered("Ana"), "[SERVER] Ana, tu nombre quedó registrado."),
    (messages.Said("Ana", "hola"), "Ana: hola"),
    (messages.Whispered("Ana", "¿qué tal?"), "Ana te susurra: ¿qué tal?"),
    (messages.Arrived("Ana"), "[SERVER] Cliente Ana conectado."),
    (messages.Departed("Ana"), "[SERVER] Ana desconectado."),
    (messages.Missed(1), "[SERVER] Te perdiste 1 línea."),
    (messages.Missed(123), "[SERVER] Te perdiste 123 líneas."),
    (messages.Here(("Ana", "Beto")), "[SERVER] Usuarios conectados: Ana, Beto"),
    (messages.Here(("Ana",)), "[SERVER] Usuarios conectados: Ana"),
    (
        messages.Inventory((ARROW, CATALOG[13])),
        "[SERVER] Tus artefactos son: Punta de flecha, Espada antigua",
    ),
    (messages.Inventory(()), "[SERVER] Tus artefactos son: (ninguno)"),
    (messages.ArtifactIs(CRYSTAL), "[SERVER] El artefacto es: Trocitos de cristal"),
    (messages.CatalogEntry(CRYSTAL), "[SERVER] 22: Trocitos de cristal"),
    (
        messages.HelpEntry(":p <nombre> <mensaje>", "susurra"),
        "[SERVER] :p <nombre> <mensaje> — susurra",
    ),
    (messages.MessageOfTheDay("Hoy hay feria."), "[SERVER] Hoy hay feria."),
    (
        messages.OfferReceived(7, "Ana", SHOULDER, DISC),
        "[SERVER] Ana quiere intercambiar su Escápula prehistórica por tu Disco raro "
        "(#7: :accept o :reject)",
    ),
    (messages.OfferSent(7, "Gus", SHOULDER, DISC), "[SERVER] Oferta #7 enviada a Gus."),
    (
        messages.IncomingOffer(7, "Ana", ANCHOR, DISC),
        "[SERVER] #7 de Ana: su Ancla por tu Disco raro",
    ),
    (
        messages.OutgoingOffer(8, "Beto", ANCHOR, TRILOBITE),
        "[SERVER] #8 para Beto: tu Ancla por su Trilobites",
    ),
    (
        messages.TradeAccepted(7, (SHOULDER,)),
        "[SERVER] Intercambio aceptado, ahora tus artefactos son: Escápula prehistórica",
    ),
    (
        messages.TradeDone(7, (DISC, DISC)),
        "[SERVER] Intercambio realizado, tus artefactos ahora son: Disco raro, Disco raro",
    ),
    (
        messages.OfferEnded(7, "expired", "La oferta #7 venció.", "Ana", "Gus", ANCHOR, DISC),
        "[SERVER] La oferta #7 venció.",
    ),
    (
        messages.Meanwhile(7, "rejected", "Gus rechazó la oferta #7.", "Ana", "Gus", ANCHOR, DISC),
        "[SERVER] Mientras no estabas: Gus rechazó la oferta #7.",
    ),
    (messages.AndMore(4), "[SERVER] Mientras no estabas: y 4 cosas más."),
    (messages.Missing((DISC, ANCHOR), 42), "[SERVER] Te faltan 2 de 42: 12 Disco raro, 21 Ancla"),
    (messages.Missing((ANCHOR,), 42), "[SERVER] Te falta 1 de 42: 21 Ancla"),
    (messages.Missing((), 42), "[SERVER] ¡Tu colección está completa!"),
    (
        messages.Missing((ANCHOR,) * 100, 500),
        f"[SERVER] Te faltan 100 de 500: {', '.join(['21 Ancla'] * 100)}",
    ),
    (
        messages.Missing((ANCHOR,) * 420, 500),
        f"[SERVER] Te faltan 420 de 500: {', '.join(['21 Ancla'] * 100)} y 320 más",
    ),
    (
        messages.Who(DISC, ("Beto", "Caro"), ()),
        "[SERVER] 12 Disco raro: quién lo da: Beto, Caro; quién lo busca: nadie",
    ),
    (
        messages.Who(DISC, (), ("Ana",), messages.Unnamed(0, 31)),
        "[SERVER] 12 Disco raro: quién lo da: nadie; quién lo busca: Ana y 31 más",
    ),
    (
        messages.Shown("Beto", (ANCHOR, SHOULDER), (DISC,)),
        "[SERVER] Beto da: 21 Ancla, 32 Escápula prehistórica; busca: 12 Disco raro",
    ),
    (messages.Shown("Beto", (), ()), "[SERVER] Beto da: (ninguno); busca: (ninguno)"),
    (messages.Shown("Beto", (), None), "[SERVER] Beto da: (ninguno); busca: lo que le falte"),
    (
        messages.Seeks("list", (DISC, CATALOG[13])),
        "[SERVER] Buscas: 12 Disco raro, 13 Espada antigua",
    ),
    (messages.Seeks("all", (DISC,)), "[SERVER] Buscas: todo lo que te falta"),
    (messages.Seeks("list", ()), "[SERVER] Buscas: (ninguno)"),
    (messages.Gives("list", (SHOULDER,)), "[SERVER] Das: 32 Escápula prehistórica"),
    (messages.Gives("spares", ()), "[SERVER] Das: tus repetidos"),
    (
        messages.Chance("now", ANCHOR, DISC),
        "[SERVER] Ya: tu Ancla por Disco raro. Escribe :cambio 21 por 12",
    ),
    (
        messages.Chance("pair", ANCHOR, DISC),
        "[SERVER] Alguien da Disco raro y busca tu Ancla. Escribe :cambio 21 por 12",
    ),
    (
        messages.Chance("three", ANCHOR, DISC),
        "[SERVER] Entre tres: tu Ancla por Disco raro. Escribe :cambio 21 por 12",
    ),
    (messages.MoreChances(4), "[SERVER] Y 4 trueques más."),
    (messages.MoreChances(1), "[SERVER] Y 1 trueque más."),
    (messages.Chances(3), "[SERVER] Hay 3 trueques para ti: escribe :trueques."),
    (messages.Chances(1), "[SERVER] Hay 1 trueque para ti: escribe :trueques."),
    (
        messages.SwapPosted(9, (ANCHOR,), (DISC,), False),
        "[SERVER] Cambio #9 puesto: tu Ancla por Disco raro.",
    ),
    (
        messages.SwapPosted(9, (ANCHOR, SHOULDER), (DISC, CATALOG[23], TRILOBITE), False),
        "[SERVER] Cambio #9 puesto: tu Ancla o Escápula prehistórica por Disco raro, "
        "Flauta de hueso o Trilobites.",
    ),
    (
        messages.SwapPosted(9, (ANCHOR,), (DISC,), True, True),
        "[SERVER] Cambio #9 puesto: tus repetidos por lo que buscas.",
    ),
    (
        messages.StandingSwap(9, (ANCHOR,), (DISC,), True),
        "[SERVER] #9 cambio: tu Ancla por Disco raro",
    ),
    (
        messages.SwapDone(9, ANCHOR, "Beto", DISC, "Caro", (DISC, TRILOBITE)),
        "[SERVER] Cambio #9: diste Ancla a Beto y recibiste Disco raro de Caro; "
        "ahora tus artefactos son: Disco raro, Trilobites",
    ),
    (
        messages.SwapEnded(9, "expired", "El cambio #9 venció."),
        "[SERVER] El cambio #9 venció.",
    ),
    (
        messages.MeanwhileSwap(9, "expired", "el cambio #9 venció."),
        "[SERVER] Mientras no estabas: el cambio #9 venció.",
    ),
    (
        messages.ChanceTold(DISC, ANCHOR),
        "[SERVER] Puedes recibir Ancla por tu Disco raro: escribe :cambio 12 por 21",
    ),
    (messages.Failure("NameTaken", "Nombre ya en uso."), "[SERVER] Nombre ya en uso."),
]

#: PROTOCOL §1 to §5: every refusal.  Those whose reason the contract leaves open begin as it says.
REFUSALS: list[tuple[GranjaError, str]] = [
    (
        errors.LineTooLong(4096),
        "Error: línea demasiado larga (máximo 4096 bytes); no se envió.",
    ),
    (errors.NotUTF8(), "Error: texto no válido (no es UTF-8); no se envió."),
    (errors.InvalidName("está reservado"), "Nombre no válido: está reservado."),
    (errors.NameTaken(), "Nombre ya en uso."),
    (errors.CannotEnter(), "Ahora no se puede entrar; inténtalo en un momento."),
    (
        errors.UnknownArtifact("999", 1, 42),
        "Error: el artefacto 999 no existe. Elige números del 1 al 42.",
    ),
    (
        errors.NotAList(),
        "Error: no entendí la lista. Escribe los números separados por comas, "
        "por ejemplo: 6, 13, 14",
    ),
    (errors.TooManyArtifacts(100), "Error: son demasiados artefactos (máximo 100)."),
    (
        errors.UnknownCommand(":quiero"),
        "Error: comando desconocido: :quiero. Escribe :help para ver los comandos.",
    ),
    (errors.AlreadyMine(12), "Error de Intercambio: ya tienes Disco raro."),
    (errors.NoSpares(), "Error de Intercambio: no tienes repetidos."),
    (errors.NothingMissing(), "Error de Intercambio: no te falta ninguno."),
    (errors.SameSwap(9), "Error de Intercambio: ese mismo cambio ya está puesto (#9)."),
    (errors.AlreadyHas(21), "Error: ya tienes Ancla."),
    (errors.NoChances(), "No hay trueques para ti por ahora."),
    (errors.WrongArguments(":p <nombre> <mensaje>"), "Uso: :p <nombre> <mensaje>"),
    (errors.NobodyCalled("X"), "Error: no hay nadie conectado con el nombre X."),
    (
        errors.NotDelivered("X"),
        "Error: no se pudo entregar a X; inténtalo en un momento.",
    ),
    (
        errors.NobodyToTradeWith("X"),
        "Error de Intercambio: no hay nadie con el nombre X.",
    ),
    (
        errors.StillArriving("Caro"),
        "Error de Intercambio: Caro todavía está llegando; espera un momento.",
    ),
    (errors.WithOneself(), "Error de Intercambio: no puedes intercambiar contigo."),
    (
        errors.NoSuchArtifact("99", 1, 42),
        "Error de Intercambio: el artefacto 99 no existe; elige números del 1 al 42.",
    ),
    (errors.NotMine(21), "Error de Intercambio: no tienes Ancla."),
    (errors.NotTheirs("Gus", 21), "Error de Intercambio: Gus no tiene Ancla."),
    (errors.SameOffer(7), "Error de Intercambio: esa misma oferta ya está pendiente (#7)."),
    (
        errors.TooManyOffersToOne("Gus", 5),
        "Error de Intercambio: ya le hiciste 5 ofertas a Gus; espera su respuesta.",
    ),
    (
        errors.TooManyOffersToOne("Gus", 1),
        "Error de Intercambio: ya le hiciste 1 oferta a Gus; espera su respuesta.",
    ),
    (errors.Nobody("X"), "Error: no hay nadie con el nombre X."),
    (errors.IgnoresOneself(), "Error: no puedes ignorarte."),
    (errors.NotIgnored("X"), "Error: no estabas ignorando a X."),
    (errors.DoorClosed("Gus"), "Error de Intercambio: Gus no recibe ofertas por ahora."),
    (errors.NothingSaid(), "Todavía no se dijo nada."),
    (errors.NoHistory(), "Esta granja no guarda lo que se dice."),
    (errors.BadPass(), "Error: ese pase ya no sirve."),
    (
        errors.TooManyOffers(20),
        "Error de Intercambio: llegaste al máximo de ofertas sin respuesta (20); "
        "retira alguna con :retirar <n>.",
    ),
    (
        errors.TheyHaveTooManyOffers("Gus", 20),
        "Error de Intercambio: Gus llegó al máximo de ofertas por responder (20).",
    ),
    (errors.TradeNotStored(), "Error de Intercambio: no se pudo guardar; nada cambió."),
    (
        errors.TradingHalted(),
        "Error de Intercambio: el libro está detenido; avisa a quien administra la granja.",
    ),
    (errors.NoOffers(), "No tienes ofertas pendientes."),
    (
        errors.SeveralOffers(2, ":accept"),
        "Error: tienes 2 ofertas pendientes; escribe :accept <n>.",
    ),
    (errors.NoSuchOffer("99"), "Error: no hay una oferta #99 para ti."),
    (errors.DoesNotHave(21), "Error: no tienes Ancla."),
    (errors.NotStored(), "Error: no se pudo guardar; nada cambió."),
    (errors.Halted(), "Error: el libro está detenido; avisa a quien administra la granja."),
    (errors.WrongPassword(), "Error: contraseña incorrecta."),
    (
        errors.TooManyRegistrations(),
        "Error: hay demasiados registros desde tu red; inténtalo más tarde.",
    ),
    (
        errors.TooManyWaiting(),
        "Error: hay demasiadas personas entrando; inténtalo de nuevo en un momento.",
    ),
    (
        errors.BadPassword(),
        "Error: la contraseña debe tener entre 8 y 128 caracteres.",
    ),
    (
        errors.AlreadyRegistered(),
        "Error: tu nombre ya está registrado; usa :clave para cambiar la contraseña.",
    ),
    (
        errors.NotRegistered(),
        "Error: primero registra tu nombre con :registrar <contraseña>.",
    ),
    (
        errors.DeclaredOnce(),
        "Error: en esta granja los artefactos se declaran una sola vez.",
    ),
    (
        errors.TradingFrozen(),
        "Error de Intercambio: los intercambios están detenidos por ahora.",
    ),
    (errors.Muted("14:35", "spam"), "Error: no puedes hablar hasta las 14:35 (spam)."),
    (errors.Muted("14:35", ""), "Error: no puedes hablar hasta las 14:35."),
    (
        errors.Banned("14:35 del 3/12", "spam"),
        "No puedes entrar hasta las 14:35 del 3/12 (spam).",
    ),
    (errors.Banned("14:35", ""), "No puedes entrar hasta las 14:35."),
    (errors.LooksAfterTheFarm("Ana"), "Error: Ana también cuida la granja."),
    (errors.OwnNetwork(), "Error: esa red es también la tuya."),
    (errors.NetworkOfProxy(), "Error: esa red es de un proxy."),
    (errors.NoSuchBan(), "Error: no hay ningún veto así."),
    (GranjaError(), "Error: algo falló de nuestro lado; ya quedó anotado."),
]


def every_message() -> list[Message]:
    """One of each kind at least: those of the contract, and those that the protocol page shows."""
    told = [message for message, _ in CONTRACT]
    told += [message for sample in MESSAGES for message in sample.messages]
    return told + [messages.failure(error, CATALOG) for _, error in ERRORS]


class TheWords(SynchronousTestCase):
    """A farmer reads exactly what the wire contract says."""

    def test_every_message(self) -> None:
        for message, line in CONTRACT:
            self.assertEqual(message.line(), line)

    def test_every_refusal(self) -> None:
        """An artifact's number in a rule is its name in the sentence."""
        for error, sentence in REFUSALS:
            failure = messages.failure(error, CATALOG)
            self.assertEqual(failure.line(), "[SERVER] " + sentence)
            self.assertEqual(failure.code, type(error).__name__)

    def test_no_kind_is_left_out(self) -> None:
        """Every class of message and of error that there is stands in the lists above."""
        kinds = {k for k in vars(messages).values() if _is_kind_of(k, Message)}
        self.assertEqual({type(message) for message, _ in CONTRACT}, kinds)
        mistakes = {k for k in vars(errors).values() if _is_kind_of(k, GranjaError)}
        abstract = {errors.TradeError, errors.Limited}
        told = {type(error) for error, _ in REFUSALS} - {GranjaError}
        self.assertEqual(told, mistakes - abstract)

    def test_constants_are_the_contracts(self) -> None:
        """No sentence without fields stands in the module that is not in the list above."""
        fixed = {value for value in vars(messages).values() if isinstance(value, Message)}
        self.assertLessEqual(fixed, {message for message, _ in CONTRACT})

    def test_an_error_in_a_log(self) -> None:
        """Where no catalog is at hand the number stands for the artifact."""
        self.assertEqual(str(errors.NotMine(21)), "Error de Intercambio: no tienes 21.")

    def test_an_artifact_that_the_catalog_has_lost(self) -> None:
        failure = messages.failure(errors.DoesNotHave(7), Catalog({6: "Punta de flecha"}))
        self.assertEqual(failure.line(), "[SERVER] Error: no tienes artefacto n.º 7.")


def _is_kind_of(value: object, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value is not base


class SwapsEnd(SynchronousTestCase):
    """PROTOCOL §4b: how its maker hears what became of a swap, here and later."""

    def end(self, how: How, gave: ArtifactId | None = None, got: ArtifactId | None = None) -> None:
        self.swap = SwapNews(OfferId(9), ANA, how, gave, got, "Beto", "Caro")

    def assertHeard(self, now: str, later: str) -> None:  # noqa: N802
        self.assertEqual(wording.swap_ended(self.swap, CATALOG).line(), f"[SERVER] {now}")
        self.assertLater(later)

    def assertLater(self, later: str) -> None:  # noqa: N802
        [news] = wording.meanwhile(News([self.swap]), ANA, CATALOG)
        self.assertEqual(news.line(), f"[SERVER] Mientras no estabas: {later}")

    def test_void(self) -> None:
        self.end(How.VOID, ANCHOR.id)
        self.assertHeard(
            "El cambio #9 ya no es válido: ya no tienes Ancla.",
            "el cambio #9 ya no es válido: ya no tienes Ancla.",
        )
        self.end(How.VOID, None, DISC.id)
        self.assertHeard(
            "El cambio #9 ya no es válido: ya tienes Disco raro.",
            "el cambio #9 ya no es válido: ya tienes Disco raro.",
        )
        self.end(How.VOID)
        self.assertHeard(
            "El cambio #9 ya no es válido: ya no tienes repetidos.",
            "el cambio #9 ya no es válido: ya no tienes repetidos.",
        )

    def test_expired_and_retracted(self) -> None:
        self.end(How.EXPIRED)
        self.assertHeard("El cambio #9 venció.", "el cambio #9 venció.")
        self.end(How.RETRACTED)
        retracted = wording.swap_ended(self.swap, CATALOG)
        self.assertEqual(retracted.line(), "[SERVER] Retiraste el cambio #9.")

    def test_settled(self) -> None:
        self.end(How.SETTLED, ANCHOR.id, DISC.id)
        self.assertLater("cambio #9: diste Ancla a Beto y recibiste Disco raro de Caro.")


class TheData(SynchronousTestCase):
    """Programs read the same as data, so nobody has to take a sentence apart."""

    def test_type_and_line(self) -> None:
        for message in every_message():
            data = message.data()
            self.assertEqual(data["type"], message.type)
            if message.silent:
                self.assertNotIn("line", data)
                continue
            self.assertEqual(data["line"], message.line())
            self.assertEqual((next(iter(data)), [*data][-1]), ("type", "line"))

    def test_every_field_is_there(self) -> None:
        """Under its own name, or the one that it is given in the data."""
        for message in every_message():
            told = [f.name for f in fields(message) if f.name not in message.unsaid]
            names = {message.renamed.get(name, name) for name in told}
            line = set() if message.silent else {"line"}
            self.assertEqual(set(message.data()), names | {"type"} | line)

    def test_json(self) -> None:
        """It is JSON as it is, and comes back the same."""
        for message in every_message():
            data = message.data()
            self.assertEqual(json.loads(json.dumps(data)), data)

    def test_types_are_told_apart(self) -> None:
        """No two kinds share a type, and every type can be a GMCP package's name."""
        kinds = {type(message) for message in every_message()}
        self.assertEqual(len({kind.type for kind in kinds}), len(kinds))
        for kind in kinds:
            self.assertRegex(kind.type, r"\A[a-z]+(-[a-z]+)*\Z")

    def test_codes_are_told_apart(self) -> None:
        notices = [v for v in vars(messages).values() if isinstance(v, messages.Notice)]
        questions = [v for v in vars(messages).values() if isinstance(v, messages.Prompt)]
        self.assertEqual(len({notice.code for notice in notices}), len(notices))
        # Every client hides a typed password, so the question for a new one looks like one.
        others = [prompt for prompt in questions if prompt is not messages.ASK_NEW_PASSWORD]
        self.assertEqual(len({prompt.question for prompt in others}), len(others))
        secret = {prompt for prompt in questions if messages.is_secret(prompt)}
        self.assertEqual(secret, {messages.ASK_PASSWORD, messages.ASK_NEW_PASSWORD})

    def test_examples(self) -> None:
        """The shape that clients are told of."""
        self.assertEqual(
            messages.Said("Ana", "hola").data(),
            {"type": "said", "from": "Ana", "text": "hola", "line": "Ana: hola"},
        )
        self.assertEqual(
            messages.OfferSent(7, "Gus", ANCHOR, DISC).data(),
            {
                "type": "offer-sent",
                "number": 7,
                "to": "Gus",
                "gives": {"id": 21, "name": "Ancla"},
                "takes": {"id": 12, "name": "Disco raro"},
                "line": "[SERVER] Oferta #7 enviada a Gus.",
            },
        )
        self.assertEqual(
            messages.Inventory((ARROW, ARROW)).data()["artifacts"],
            [{"id": 6, "name": "Punta de flecha"}] * 2,
        )
        self.assertEqual(messages.Here(("Ana", "Beto")).data()["names"], ["Ana", "Beto"])
        self.assertEqual(
            messages.failure(errors.NotMine(21), CATALOG).data(),
            {
                "type": "error",
                "code": "NotMine",
                "sentence": "Error de Intercambio: no tienes Ancla.",
                "details": {"artifact": {"id": 21, "name": "Ancla"}},
                "line": "[SERVER] Error de Intercambio: no tienes Ancla.",
            },
        )


class Braces(SynchronousTestCase):
    """Templates have braces.  Braces that people type must stay unchanged."""

    TYPED = "{text} {0} {speaker!r} {name.__class__} {{}} } {"

    def test_no_placeholder_is_left(self) -> None:
        for message in every_message():
            self.assertIsNone(re.search(r"[{}]", message.line()), message.line())

    def test_in_talk(self) -> None:
        self.assertEqual(messages.Said("Ana", self.TYPED).line(), f"Ana: {self.TYPED}")
        whisper = messages.Whispered("Ana", self.TYPED)
        self.assertEqual(whisper.line(), f"Ana te susurra: {self.TYPED}")

    def test_wherever_text_goes(self) -> None:
        """In every text field of every message, an operator's motd and catalog among them."""
        for message in every_message():
            shown = [f for f in fields(message) if f"{{{f.name}}}" in message.template]
            if any(_is_worded(getattr(message, f.name)) for f in shown):
                self.assertIn(self.TYPED, _with_texts(message, self.TYPED).line())

    def test_in_refusals(self) -> None:
        """A refusal quotes what the farmer typed."""
        typed: list[GranjaError] = [
            errors.NobodyCalled(self.TYPED),
            errors.NobodyToTradeWith(self.TYPED),
            errors.UnknownCommand(self.TYPED),
            errors.UnknownArtifact(self.TYPED, 1, 42),
            errors.NotTheirs(self.TYPED, 21),
        ]
        for error in typed:
            self.assertIn(self.TYPED, messages.failure(error, CATALOG).line())


def _is_worded(value: object) -> bool:
    """Whether a field's value shows words that an operator or a farmer chose."""
    return isinstance(value, (str, Artifact)) or (isinstance(value, tuple) and value != ())


def _with_texts(message: Message, text: str) -> Message:
    """The same message with ``text`` for each text in it, and for each artifact's name."""

    def reworded(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(map(reworded, value))
        if isinstance(value, Artifact):
            return Artifact(value.id, text)
        return text if isinstance(value, str) else value

    return type(message)(*(reworded(getattr(message, f.name)) for f in fields(message)))


class OffersEnd(SynchronousTestCase):
    """How the two sides of an offer hear that it is over (PROTOCOL §3 to §5)."""

    OFFER = Offer(OfferId(7), ANA, GUS, ANCHOR.id, DISC.id, expires=0.0)

    def end(self, how: How, loser: FarmerId | None = None, lost: ArtifactId | None = None) -> Ended:
        """The end of Ana's offer to Gus: her Ancla for his Disco raro."""
        return Ended(self.OFFER, "Ana", "Gus", how, loser, lost)

    def both_hear(self, end: Ended) -> tuple[str, str]:
        """What Ana, the maker, and Gus hear."""
        heard = [wording.offer_ended(end, me, CATALOG) for me in (ANA, GUS)]
        for ended in heard:
            self.assertEqual((ended.number, ended.how), (7, end.how.value))
            self.assertEqual(ended.line(), "[SERVER] " + ended.sentence)
        return heard[0].sentence, heard[1].sentence

    def test_rejected(self) -> None:
        self.assertEqual(
            self.both_hear(self.end(How.REJECTED)),
            ("Intercambio rechazado", "Rechazaste el intercambio"),
        )

    def test_retracted(self) -> None:
        self.assertEqual(
            self.both_hear(self.end(How.RETRACTED)),
            ("Retiraste la oferta #7.", "La oferta #7 ya no es válida: Ana la retiró."),
        )

    def test_expired(self) -> None:
        self.assertEqual(self.both_hear(self.end(How.EXPIRED)), ("La oferta #7 venció.",) * 2)

    def test_somebody_left(self) -> None:
        """Either side."""
        for who, name in ((ANA, "Ana"), (GUS, "Gus")):
            self.assertEqual(
                self.both_hear(self.end(How.VOID, who)),
                (f"La oferta #7 ya no es válida: {name} se fue.",) * 2,
            )

    def test_an_artifact_went_elsewhere(self) -> None:
        """The one without the artifact reads "you".  The other reads the name."""
        before = "La oferta #7 ya no es válida: "
        self.assertEqual(
            self.both_hear(self.end(How.VOID, ANA, ANCHOR.id)),
            (before + "ya no tienes Ancla.", before + "Ana ya no tiene Ancla."),
        )
        self.assertEqual(
            self.both_hear(self.end(How.VOID, GUS, DISC.id)),
            (before + "Gus ya no tiene Disco raro.", before + "ya no tienes Disco raro."),
        )

    def meanwhile(self, me: FarmerId, *ends: Ended, more: int = 0) -> list[str]:
        told = wording.meanwhile(News([*ends], more), me, CATALOG)
        heads = [m.number if isinstance(m, messages.Meanwhile) else None for m in told]
        self.assertEqual(heads, [7] * len(ends) + [None] * bool(more))
        return [line.line() for line in told]

    def test_meanwhile(self) -> None:
        """What a registered farmer hears after an absence, oldest first."""
        ways = [self.end(how) for how in (How.ACCEPTED, How.REJECTED, How.EXPIRED)]
        ways.append(self.end(How.VOID, GUS, DISC.id))
        before = "[SERVER] Mientras no estabas: "
        self.assertEqual(
            self.meanwhile(ANA, *ways),
            [
                before + "Gus aceptó la oferta #7: tu Ancla por su Disco raro.",
                before + "Gus rechazó la oferta #7.",
                before + "la oferta #7 venció.",
                before + "la oferta #7 ya no es válida: Gus ya no tiene Disco raro.",
            ],
        )
        self.assertEqual(
            self.meanwhile(GUS, self.end(How.RETRACTED), self.end(How.VOID, ANA)),
            [
                before + "Ana retiró la oferta #7.",
                before + "la oferta #7 ya no es válida: Ana se fue.",
            ],
        )

    def test_more_than_can_be_told(self) -> None:
        """One thing is not "1 cosas".  Without a number, the line says nothing."""
        before = "[SERVER] Mientras no estabas: "
        self.assertEqual(self.meanwhile(ANA, more=1), [before + "y 1 cosa más."])
        self.assertEqual(self.meanwhile(ANA, more=4), [before + "y 4 cosas más."])
        self.assertEqual(self.meanwhile(ANA), [])

    def test_rows_of_ofertas(self) -> None:
        """The same offer as each of the two reads it, under the names that they have now."""
        names = {ANA: "Ana", GUS: "Gus"}
        rows = [wording.offer_row(self.OFFER, me, names, CATALOG).line() for me in (ANA, GUS)]
        self.assertEqual(
            rows,
            [
                "[SERVER] #7 para Gus: tu Ancla por su Disco raro",
                "[SERVER] #7 de Ana: su Ancla por tu Disco raro",
            ],
        )

    def test_inventories_are_listed_by_number(self) -> None:
        """This holds for any order in which the farmer got them.  Each copy is listed."""
        held = messages.inventory([21, 6, 12, 6], CATALOG)
        self.assertEqual(held, (ARROW, ARROW, DISC, ANCHOR))
