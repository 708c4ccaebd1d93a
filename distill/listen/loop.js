// The takes of one row as buffers, which the browser repeats without a gap; media elements leave one. All of them
// play at once, on one clock, and one is heard.
const createLoop = () => {
  let context = null;
  let buffers = [];
  let sources = []; // those that play
  let gains = [];
  let begun = 0; // when the context would have been at the beginning, in its own time

  // At another rate than the sound's own, a buffer would be resampled, and its end would not fit its beginning.
  const rateOf = (data) => {
    const view = new DataView(data);
    return data.byteLength > 28 && view.getUint32(0) === 0x52494646 ? view.getUint32(24, true) : 48_000; // RIFF
  };

  // The buffers of files, as they are read.
  async function load(data) {
    forget();
    const own = new AudioContext({ sampleRate: rateOf(data[0]) });
    try {
      buffers = await Promise.all(data.map((each) => own.decodeAudioData(each)));
      context = own;
    } catch (error) {
      own.close();
      throw error;
    }
  }

  function start(seconds, heard) {
    stop();
    context.resume();
    const length = duration();
    const now = context.currentTime + 0.02; // all of them at the same moment
    begun = now - (seconds % length);
    gains = buffers.map((_, take) => {
      const gain = new GainNode(context, { gain: take === heard ? 1 : 0 });
      gain.connect(context.destination);
      return gain;
    });
    sources = buffers.map((buffer, take) => {
      const source = new AudioBufferSourceNode(context, { buffer, loop: true, loopEnd: length });
      source.connect(gains[take]);
      source.start(now, seconds % length);
      return source;
    });
  }

  function stop() {
    sources.forEach((source) => source.stop());
    gains.forEach((gain) => gain.disconnect());
    sources = [];
    gains = [];
  }

  function forget() {
    stop();
    context?.close();
    context = null;
    buffers = [];
  }

  const duration = () => Math.min(...buffers.map((buffer) => buffer.duration));

  return {
    load, start, stop, forget,
    hear(take) { gains.forEach((gain, each) => { gain.gain.value = each === take ? 1 : 0; }); },
    get playing() { return sources.length > 0; },
    get seconds() { return Math.max(0, context.currentTime - begun) % duration(); },
  };
};
