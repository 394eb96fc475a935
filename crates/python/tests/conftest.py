"""Signals and models that several tests use."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

import vbnmf

RATE_HZ = 8000
STFT = vbnmf.StftSettings(window_samples=256, hop_samples=128)
REPOSITORY = Path(__file__).resolve().parents[3]


def voice(samples: int, seed: int) -> np.ndarray:
    """A buzz whose pitch and loudness wander, in 16-bit steps, so that a WAV file holds it."""
    rng = np.random.default_rng(seed)
    steps = np.cumsum(rng.standard_normal(samples)) / np.sqrt(samples)
    phase = np.cumsum(2 * np.pi * (150 + 40 * steps) / RATE_HZ)
    buzz = sum(np.sin(k * phase) / k for k in range(1, 12))
    loudness = 0.5 + 0.5 * np.sin(np.arange(samples) * 2 * np.pi * 3 / RATE_HZ)
    return as_pcm16(0.2 * loudness * buzz + 0.001 * rng.standard_normal(samples))


def as_pcm16(signal: np.ndarray) -> np.ndarray:
    # No negative zeros, which a file of integers does not have.
    return np.round(np.clip(signal, -1, 1 - 2**-15) * 32768) / 32768 + 0.0


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    return voice(3 * RATE_HZ, seed=1)


@pytest.fixture(scope="session")
def mixture(speech: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(5).standard_normal(len(speech))
    noise = 0.05 * np.convolve(noise, [1.0, -0.9], mode="same")
    return as_pcm16(voice(len(speech), seed=2) + noise)


@pytest.fixture(scope="session")
def speaker(speech: np.ndarray) -> vbnmf.SpeakerModel:
    return vbnmf.SpeakerModel.fit(speech, RATE_HZ, orders=[2, 4, 7], stft=STFT, iterations=40)


class CommandLine:
    """The program `vbnmf`, where it has been built."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *arguments: object) -> None:
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def command_line() -> CommandLine:
    named = os.environ.get("VBNMF_EXPERIMENTS")
    if named:
        return CommandLine(Path(named))
    for profile in ("debug", "release"):
        path = REPOSITORY / "target" / profile / "vbnmf"
        if path.exists():
            return CommandLine(path)
    pytest.skip("the command line is not built: cargo build -p experiments, or VBNMF_EXPERIMENTS")


def write_wav(path: Path, signal: np.ndarray, rate_hz: int = RATE_HZ) -> None:
    """A 16-bit WAV file of one channel."""
    data = np.round(signal * 32768).astype("<i2").tobytes()
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, 2 * rate_hz, 2, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)


def read_float_wav(path: Path) -> np.ndarray:
    """The samples of a WAV file of 32-bit floats, of one channel."""
    content = path.read_bytes()
    assert content[:4] == b"RIFF" and content[8:12] == b"WAVE"
    position = 12
    while content[position : position + 4] != b"data":
        position += 8 + struct.unpack_from("<I", content, position + 4)[0]
    size = struct.unpack_from("<I", content, position + 4)[0]
    return np.frombuffer(content, dtype="<f4", count=size // 4, offset=position + 8)
