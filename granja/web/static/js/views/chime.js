// A quiet sound: two soft notes.  The page makes them and loads nothing.

const LOUDNESS = 0.05;
const NOTES = [523.25, 659.25]; // C5, E5, in hertz
const LENGTH = 0.22; // seconds
/** The shortest time between two sounds, in milliseconds: many calls at once make one sound. */
const REST = 2000;

let context = null;
let last = -Infinity;

export function chime() {
  if (performance.now() - last < REST) return;
  last = performance.now();
  context ??= new AudioContext();
  // A browser that does not let pages sound by themselves stays silent, and nothing is lost.
  context.resume().catch(() => {});
  NOTES.forEach((hertz, at) => play(hertz, context.currentTime + at * LENGTH));
}

function play(hertz, begin) {
  const note = new OscillatorNode(context, { type: "sine", frequency: hertz });
  const volume = new GainNode(context, { gain: 0 });
  volume.gain.setValueAtTime(0, begin);
  volume.gain.linearRampToValueAtTime(LOUDNESS, begin + 0.02);
  volume.gain.exponentialRampToValueAtTime(0.0005, begin + LENGTH);
  note.connect(volume).connect(context.destination);
  note.start(begin);
  note.stop(begin + LENGTH);
}
