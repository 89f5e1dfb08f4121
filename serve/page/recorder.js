// SPDX-License-Identifier: Apache-2.0
// recorder.js - runs in the thread of the sound (AudioWorklet): gathers samples of one channel, as 16-bit numbers, and
// hands them to the page in pieces, each with its level.  Any message from the page: that was all.
const PIECE_S = 0.05;

class Recorder extends AudioWorkletProcessor {
    constructor() {
        super();
        this.begin();
        this.isOver = false;
        this.port.onmessage = () => {
            this.isOver = true;
            this.hand();
        };
    }

    begin() {
        this.samples = new Int16Array(Math.round(sampleRate * PIECE_S));
        this.n = 0;
        this.peak = 0;
    }

    hand() {
        const samples = this.samples.slice(0, this.n);
        this.port.postMessage({samples, peak: this.peak, isLast: this.isOver}, [samples.buffer]);
        this.begin();
    }

    process([channels]) {
        const length = channels.length > 0 ? channels[0].length : 0;
        for (let i = 0; i < length && !this.isOver; i++) {
            let sum = 0;
            for (const channel of channels)
                sum += channel[i];
            const value = Math.max(-1, Math.min(1, sum / channels.length));
            this.peak = Math.max(this.peak, Math.abs(value));
            this.samples[this.n++] = Math.round(value * 32767);
            if (this.n === this.samples.length)
                this.hand();
        }
        return !this.isOver;
    }
}

registerProcessor("recorder", Recorder);
