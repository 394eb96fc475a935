"""Threads, forks, Ctrl-C and memory."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import vbnmf
from conftest import STFT

QUICK = {"iterations": 5, "stft": STFT}


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    dictionaries = [rng.gamma(1.0, size=(k, STFT.bins)) + 1e-3 for k in (1, 3)]
    return rng.standard_normal(8000), [dictionaries, vbnmf.Background(2)]


def test_many_threads_at_once(small):
    mixture, sources = small
    expected = vbnmf.separate(mixture, sources, **QUICK).estimates.tobytes()

    def work(index):
        found = vbnmf.separate(mixture, sources, threads=1 + index % 3, **QUICK)
        return found.estimates.tobytes() == expected

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(24)))


def test_the_lock_is_released(small):
    mixture, sources = small
    ticks = 0
    done = threading.Event()

    def tick():
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    vbnmf.separate(np.tile(mixture, 20), sources, iterations=40, stft=STFT)
    during = ticks
    done.set()
    ticker.join()
    # Where the lock is held there is none at all.
    assert during > 5


def test_a_callback_may_call_for_work(small):
    """The only thread of the pool waits for the callback, which must not wait for the thread."""
    mixture, sources = small
    expected = vbnmf.separate(mixture, sources, **QUICK).estimates.tobytes()
    inner = []

    def separate_again(progress):
        if progress.iteration == 2:
            found = vbnmf.separate(mixture, sources, threads=1, **QUICK)
            inner.append(found.estimates.tobytes())

    outer = vbnmf.separate(mixture, sources, threads=1, callback=separate_again, **QUICK)
    assert outer.estimates.tobytes() == expected and inner == [expected]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_works_on(small):
    mixture, sources = small
    expected = vbnmf.separate(mixture, sources, **QUICK).estimates.tobytes()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        found = vbnmf.separate(mixture, sources, **QUICK).estimates.tobytes()
        os.write(writer, b"1" if found == expected else b"0")
        os._exit(0)
    os.close(writer)
    deadline = time.monotonic() + 120
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child hangs")
        time.sleep(0.01)
    assert os.read(reader, 1) == b"1"
    os.close(reader)
    assert vbnmf.separate(mixture, sources, **QUICK).estimates.tobytes() == expected


@pytest.mark.parametrize(
    "call",
    [
        "vbnmf.separate(x, [w, vbnmf.Background(8)], iterations=100_000, stft=stft)",
        "vbnmf.separate(x, [w], 'mean', iterations=100_000, stft=stft, callback=lambda p: None)",
        "vbnmf.SpeakerModel.fit(x, 8000, [9], stft=stft, iterations=10_000_000)",
        "vbnmf.ItakuraSaitoNMF(8, max_iter=10_000_000).fit(numpy.abs(vbnmf.stft(x)) ** 2)",
    ],
)
def test_ctrl_c_ends_it(call, tmp_path):
    program = f"""
        import numpy, signal, vbnmf
        # A shell's background jobs begin with it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        x = numpy.random.default_rng(0).standard_normal(40_000)
        w = [numpy.random.default_rng(k).gamma(1.0, size=(k, 129)) + 1e-3 for k in (2, 4)]
        stft = vbnmf.StftSettings(256, 128)
        print("ready", flush=True)
        try:
            {call}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
        process.communicate()
    assert output == "interrupted\n"


@pytest.mark.slow
def test_ten_thousand_calls_take_no_more_memory(small):
    mixture, _ = small
    signals = np.stack([mixture[:2000], mixture[2000:4000]])
    rng = np.random.default_rng(0)
    sources = [[rng.gamma(1.0, size=(k, 9)) + 1e-3 for k in (1, 2)], vbnmf.Background(1)]
    tiny = vbnmf.StftSettings(16, 8)
    references = vbnmf.BssEval(signals, filter_taps=8)
    power = np.abs(vbnmf.stft(mixture[:200], tiny)) ** 2
    settings = {"iterations": 1, "stft": tiny, "threads": 1}

    def call():
        vbnmf.separate(mixture[:200], sources, **settings).posterior_variance
        references.score(signals[0], 1)
        vbnmf.si_sdr(signals[0], signals[1])
        vbnmf.istft(vbnmf.stft(mixture[:200], tiny), 200, tiny)
        nmf = vbnmf.ItakuraSaitoNMF(1, max_iter=1, random_state=0, n_jobs=1)
        nmf.fit(power).transform(power)
        with pytest.raises(ValueError):
            vbnmf.si_sdr(signals[0], signals[1][:-1])

    for _ in range(1000):
        call()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        call()
    growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # In KiB. 10,000 calls that each lost one of the smallest arrays here would lose 10 MB.
    assert growth < 4096
