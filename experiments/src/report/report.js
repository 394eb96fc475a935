// One play control per example. All signals run together, all but the chosen one silent, so that switching keeps the
// position to the sample. Without Web Audio the browser's own players stay.
"use strict";
(() => {
  const AudioContext = window.AudioContext;
  if (!AudioContext) return;
  document.documentElement.classList.add("js");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let context = null;
  let playing = null;

  const bytes = (uri) => Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (c) => c.charCodeAt(0)).buffer;

  class Player {
    constructor(root) {
      const one = (name) => root.querySelector(`[data-${name}]`);
      this.figures = [...root.querySelectorAll("[data-signal]")];
      this.choices = [...root.querySelectorAll("input[type=radio]")];
      this.seconds = Number(root.dataset.seconds);
      this.edges = ["left", "right", "top", "bottom"].map((edge) => Number(root.dataset[edge]));
      [this.button, this.slider, this.time] = [one("play"), one("seek"), one("time")];
      [this.status, this.playhead] = [one("status"), one("playhead")];
      this.position = 0;
      this.chosen = Math.max(0, this.choices.findIndex((choice) => choice.checked));
      this.gains = [];
      this.sources = [];
      this.button.addEventListener("click", () => (playing === this ? this.pause() : this.play()));
      this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
      this.choices.forEach((choice, index) => choice.addEventListener("change", () => this.choose(index)));
      window.addEventListener("resize", () => this.show());
      this.figures.forEach((figure) => figure.querySelector("img").addEventListener("load", () => this.show()));
      this.choose(this.chosen);
    }

    async decoded() {
      this.buffers ??= Promise.all(
        this.figures.map((figure) => context.decodeAudioData(bytes(figure.querySelector("audio").src))));
      return this.buffers;
    }

    async play() {
      playing?.pause();
      playing = this;
      this.button.textContent = "Pause";
      try {
        context ??= new AudioContext();
        await context.resume();
        const buffers = await this.decoded();
        if (playing === this) this.start(buffers);
      } catch (error) {
        this.buffers = undefined;
        this.pause();
        this.status.textContent = `This browser cannot play the signals: ${error.message}`;
      }
    }

    start(buffers) {
      if (this.position >= this.seconds) this.position = 0;
      const when = context.currentTime;
      this.began = when - this.position;
      this.gains = buffers.map((_, index) => new GainNode(context, { gain: index === this.chosen ? 1 : 0 }));
      this.sources = buffers.map((buffer, index) => {
        const source = new AudioBufferSourceNode(context, { buffer });
        source.connect(this.gains[index]).connect(context.destination);
        source.start(when, this.position);
        return source;
      });
      this.tick();
    }

    stop() {
      this.sources.forEach((source) => source.stop());
      this.sources = [];
      clearTimeout(this.timer);
    }

    pause() {
      if (this.sources.length) this.position = this.now();
      this.stop();
      if (playing === this) playing = null;
      this.button.textContent = "Play";
      this.show();
    }

    now() {
      return this.sources.length ? Math.min(context.currentTime - this.began, this.seconds) : this.position;
    }

    seek(position) {
      const running = this.sources.length > 0;
      this.stop();
      this.position = position;
      if (running) this.decoded().then((buffers) => playing === this && this.start(buffers));
      this.show();
    }

    choose(index) {
      this.chosen = index;
      // A few milliseconds of crossfade, so that switching does not click.
      this.gains.forEach((gain, other) =>
        gain.gain.setTargetAtTime(other === index ? 1 : 0, context.currentTime, 0.005));
      this.figures.forEach((figure, other) => { figure.hidden = other !== index; });
      this.show();
    }

    tick() {
      this.show();
      if (this.now() >= this.seconds) {
        this.pause();
        return;
      }
      this.timer = setTimeout(() => this.tick(), still.matches ? 500 : 40);
    }

    show() {
      const position = this.now();
      const text = `${position.toFixed(1)} of ${this.seconds.toFixed(1)} s`;
      this.slider.value = position;
      this.slider.setAttribute("aria-valuetext", text);
      this.time.textContent = text;
      const image = this.figures[this.chosen].querySelector("img");
      const [left, right, top, bottom] = this.edges;
      const place = left + (right - left) * (position / this.seconds);
      this.playhead.style.left = `${image.offsetLeft + place * image.offsetWidth - 1}px`;
      this.playhead.style.top = `${image.offsetTop + top * image.offsetHeight}px`;
      this.playhead.style.height = `${(bottom - top) * image.offsetHeight}px`;
    }
  }

  document.querySelectorAll("[data-player]").forEach((root) => new Player(root));
})();
