"""The transform against NumPy's FFT, and arrays of other libraries."""

from __future__ import annotations

import numpy as np
import pytest

import vbnmf


@pytest.mark.parametrize(("window", "hop"), [(64, 32), (64, 16), (63, 20), (128, 128)])
def test_frames_are_those_of_numpys_fft(window, hop):
    kind = "rectangular" if window == hop else "hann" if hop == 16 else "sine"
    settings = vbnmf.StftSettings(window, hop, kind)
    signal = np.random.default_rng(0).standard_normal(1000)
    spectrogram = vbnmf.stft(signal, settings)
    assert spectrogram.shape == (settings.frames(1000), settings.bins)
    sine = np.sin(np.pi * np.arange(window) / window)
    weights = {"sine": sine, "hann": sine**2, "rectangular": np.ones(window)}[kind]
    padded = np.concatenate([np.zeros(window - hop), signal, np.zeros(2 * window)])
    for t in (0, 1, len(spectrogram) // 2, len(spectrogram) - 1):
        expected = np.fft.rfft(weights * padded[t * hop : t * hop + window])
        np.testing.assert_allclose(spectrogram[t], expected, atol=1e-12 * window)
    again = vbnmf.istft(spectrogram, 1000, settings)
    np.testing.assert_allclose(again, signal, atol=1e-12)
    backwards = vbnmf.stft(signal[::-1].copy()[::-1], settings)
    assert backwards.tobytes() == spectrogram.tobytes()


def test_lengths():
    assert vbnmf.stft([]).shape == (0, 1025)
    assert vbnmf.istft(np.zeros((0, 1025), complex)).shape == (0,)
    assert vbnmf.istft(np.zeros((5, 1025), complex)).shape == (4096,)
    assert vbnmf.stft(np.ones(1)).shape == (2, 1025)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: vbnmf.stft(np.ones((2, 9))), "must have 1 dimension, got"),
        (lambda: vbnmf.stft(np.ones(9, complex)), "must be real"),
        (lambda: vbnmf.stft(np.ones(9), vbnmf.StftSettings(0, 0)), "window_samples is 0"),
        (lambda: vbnmf.stft(np.ones(9), vbnmf.StftSettings(8, 9)), "hop_samples is 9"),
        (lambda: vbnmf.stft(np.ones(9), vbnmf.StftSettings(8, 8)), "cannot be inverted"),
        (lambda: vbnmf.stft(np.ones(9), vbnmf.StftSettings(window="kaiser")), "window must be"),
        (lambda: vbnmf.istft(np.ones((4, 9))), "has 9 bins, the transform 1025"),
        (lambda: vbnmf.istft(np.ones((4, 1025)), 9), "4 frames are not those of a signal of 9"),
        (lambda: vbnmf.istft(np.ones(4)), "must have 2 dimensions"),
    ],
)
def test_faults_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class OnlyDlpack:
    """An array of a library that NumPy knows nothing of."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **arguments):
        return self.array.__dlpack__(**arguments)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnlyArray:
    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array


@pytest.mark.parametrize("wrap", [OnlyDlpack, OnlyArray])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arrays_of_other_libraries(wrap, dtype):
    signal = np.random.default_rng(0).standard_normal(5000).astype(dtype)
    expected = vbnmf.stft(signal.astype(np.float64))
    assert vbnmf.stft(wrap(signal)).tobytes() == expected.tobytes()
    pair = wrap(np.stack([signal, signal[::-1]]))
    of_pair = vbnmf.bss_eval_sources(pair, pair, compute_permutation=False)
    assert of_pair.permutation.tolist() == [0, 1]


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    for dtype in (torch.float32, torch.float64):
        signal = torch.randn(5000, dtype=dtype, generator=torch.Generator().manual_seed(0))
        expected = vbnmf.stft(signal.numpy().astype(np.float64))
        assert vbnmf.stft(signal).tobytes() == expected.tobytes()
        assert vbnmf.si_sdr(signal, signal + 0.1) > 0
        scores = vbnmf.bss_eval_sources([signal, signal.flip(0)], [signal, signal.flip(0)])
        assert scores.permutation.tolist() == [0, 1]
    spectrogram = torch.stft(
        signal, 64, 32, window=torch.ones(64, dtype=signal.dtype), return_complex=True
    ).T[::2]
    assert not spectrogram.is_contiguous()
    dictionary = torch.full((2, 33), 0.5)
    dictionary[1, 5:] = 2.0
    arguments = {"stft": vbnmf.StftSettings(64, 32), "iterations": 2}
    of_torch = vbnmf.separate(spectrogram, [dictionary, vbnmf.Background(1)], **arguments)
    of_numpy = vbnmf.separate(
        spectrogram.numpy(), [dictionary.numpy(), vbnmf.Background(1)], **arguments
    )
    assert of_torch.estimates.tobytes() == of_numpy.estimates.tobytes()
    power = spectrogram.abs() ** 2
    nmf = vbnmf.ItakuraSaitoNMF(2, max_iter=3, random_state=0)
    activations = nmf.fit_transform(power)
    assert activations.tobytes() == nmf.fit_transform(power.numpy()).tobytes()
    assert torch.from_numpy(of_torch.estimates).shape == (2, *spectrogram.shape)
    with pytest.raises(ValueError, match="array of numbers"):
        vbnmf.stft(torch.ones(9, dtype=torch.bfloat16))
    with pytest.raises(ValueError, match="require"):
        vbnmf.stft(torch.ones(9, requires_grad=True))


def test_read_only_and_unaligned_arrays():
    signal = np.random.default_rng(0).standard_normal(3000)
    expected = vbnmf.stft(signal).tobytes()
    signal.flags.writeable = False
    assert vbnmf.stft(signal).tobytes() == expected
    raw = np.zeros(8 * 3000 + 1, dtype=np.uint8)
    unaligned = raw[1:].view(np.float64)
    unaligned[:] = signal
    assert not unaligned.flags.aligned
    assert vbnmf.stft(unaligned).tobytes() == expected
