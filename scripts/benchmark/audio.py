"""WAV files and the short-time Fourier transform, in NumPy, with the conventions of crates/dsp."""

import struct
from pathlib import Path

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE


def read_wav(path):
    """Samples (mixed down to mono, full scale 1) and rate in Hz of a PCM or float WAV file."""
    data = Path(path).read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError(f"{path} is not a WAV file")
    layout, samples, position = None, None, 12
    while position + 8 <= len(data):
        name, size = data[position : position + 4], struct.unpack_from("<I", data, position + 4)[0]
        body = data[position + 8 : position + 8 + size]
        if name == b"fmt ":
            layout = struct.unpack_from("<HHIIHH", body)
            if layout[0] == EXTENSIBLE:
                layout = (struct.unpack_from("<H", body, 24)[0], *layout[1:])
        elif name == b"data":
            samples = body
        position += 8 + size + size % 2
    if layout is None or samples is None:
        raise ValueError(f"{path} has no format or no samples")
    kind, channels, rate_hz, _, _, bits = layout
    samples = samples[: len(samples) // (channels * bits // 8) * (channels * bits // 8)]
    if kind == FLOAT and bits in (32, 64):
        values = np.frombuffer(samples, f"<f{bits // 8}").astype(float)
    elif kind == PCM and bits in (16, 32):
        values = np.frombuffer(samples, f"<i{bits // 8}") / 2.0 ** (bits - 1)
    elif kind == PCM and bits == 24:
        wide = np.zeros((len(samples) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(samples, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0] / 2.0**31
    else:
        raise ValueError(f"{path} has {bits} bits of format {kind}, which is not read")
    return values.reshape(-1, channels).mean(axis=1), rate_hz


def write_wav(path, samples, rate_hz):
    """Writes a mono WAV file of 32-bit floats; makes its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    body = np.asarray(samples, "<f4").tobytes()
    layout = struct.pack("<HHIIHH", FLOAT, 1, rate_hz, 4 * rate_hz, 4, 32)
    chunks = b"WAVEfmt " + struct.pack("<I", len(layout)) + layout
    chunks += b"data" + struct.pack("<I", len(body)) + body
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)


class Stft:
    """One-sided transform with a periodic sine window at half overlap, and its exact inverse.

    The first frame starts half a window before the signal, so that every sample is in two frames.
    """

    def __init__(self, window_samples=2048):
        self.window_samples, self.hop = window_samples, window_samples // 2
        self.window = np.sin(np.pi * np.arange(window_samples) / window_samples)

    def analyse(self, signal):
        """The spectrogram of a signal, bins x frames."""
        frames = -(-(len(signal) + self.hop) // self.hop)
        padded = np.zeros((frames + 1) * self.hop)
        padded[self.hop : self.hop + len(signal)] = signal
        starts = self.hop * np.arange(frames)[:, np.newaxis]
        return np.fft.rfft(padded[starts + np.arange(self.window_samples)] * self.window).T

    def synthesise(self, spectrogram, samples):
        """The signal of a spectrogram, bins x frames. The squared windows sum to one."""
        pieces = np.fft.irfft(spectrogram.T, self.window_samples) * self.window
        signal = np.zeros((len(pieces) + 1) * self.hop)
        for frame, piece in enumerate(pieces):
            signal[frame * self.hop : frame * self.hop + self.window_samples] += piece
        return signal[self.hop : self.hop + samples]
