//! Bytes from first to last, from files, pipes and memory.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The name under which standard input is read.
pub(super) const STANDARD_INPUT: &str = "-";

/// Bytes skipped at a time.
const SKIP_BLOCK: u64 = 1 << 16;

/// A source of bytes that is read once, with a look ahead.
pub(super) struct Input {
    source: Box<dyn Read + Send + Sync>,
    /// Bytes looked at and not yet read; those before `ahead_start` have been read.
    ahead: Vec<u8>,
    ahead_start: usize,
    position: u64,
    length: Option<u64>,
}

impl Input {
    /// Opens a file, a pipe or, under the name `-`, standard input.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        match path == Path::new(STANDARD_INPUT) {
            true => Ok(Self::from_stream(io::stdin())),
            false => Self::from_file(File::open(path)?),
        }
    }

    /// Reads a file from where it stands, which for a regular file is its start.
    pub(super) fn from_file(file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            length: metadata.is_file().then_some(metadata.len()),
            ..Self::from_stream(file)
        })
    }

    /// Reads a stream, whose length shows at its end.
    pub(super) fn from_stream(source: impl Read + Send + Sync + 'static) -> Self {
        Self {
            source: Box::new(source),
            ahead: Vec::new(),
            ahead_start: 0,
            position: 0,
            length: None,
        }
    }

    /// Reads bytes in memory.
    pub(super) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self {
            length: Some(bytes.len() as u64),
            ..Self::from_stream(io::Cursor::new(bytes))
        }
    }

    /// Bytes up to the end, where that is known beforehand.
    pub(super) fn remaining(&self) -> Option<u64> {
        Some(self.length?.saturating_sub(self.position))
    }

    /// The next `count` bytes, which will be read again; fewer at the end.
    pub(super) fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        self.ahead.drain(..self.ahead_start);
        self.ahead_start = 0;
        let missing = count.saturating_sub(self.ahead.len()) as u64;
        (&mut self.source)
            .take(missing)
            .read_to_end(&mut self.ahead)?;
        Ok(&self.ahead[..count.min(self.ahead.len())])
    }

    /// The next N bytes, or nothing where the end comes before.
    pub(super) fn read_array<const N: usize>(&mut self) -> io::Result<Option<[u8; N]>> {
        let mut bytes = [0; N];
        Ok((self.read_fully(&mut bytes)? == N).then_some(bytes))
    }

    /// Fills `bytes` as far as there are any, and returns how many there were.
    pub(super) fn read_fully(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Reads at most `count` bytes into a vector that grows with what is there.
    pub(super) fn read_at_most(&mut self, count: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(count).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Passes over `count` bytes; whether they were there.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<bool> {
        let mut left = count;
        let mut block = vec![0; left.min(SKIP_BLOCK) as usize];
        while left > 0 {
            let wanted = left.min(SKIP_BLOCK) as usize;
            let found = self.read_fully(&mut block[..wanted])?;
            left -= found as u64;
            if found < wanted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Read for Input {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let ahead = &self.ahead[self.ahead_start..];
        let count = if ahead.is_empty() {
            self.source.read(bytes)?
        } else {
            let count = ahead.len().min(bytes.len());
            bytes[..count].copy_from_slice(&ahead[..count]);
            self.ahead_start += count;
            count
        };
        self.position += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_looked_at_is_read_all_the_same() {
        let mut input = Input::from_bytes((0..200).collect());
        assert_eq!(input.peek(3).unwrap(), [0, 1, 2]);
        assert_eq!(input.remaining(), Some(200));
        assert_eq!(input.read_array::<2>().unwrap(), Some([0, 1]));
        assert_eq!(input.peek(4).unwrap(), [2, 3, 4, 5]);
        assert!(input.skip(190).unwrap());
        assert_eq!(input.remaining(), Some(8));
        assert_eq!(input.peek(20).unwrap().len(), 8);
        assert_eq!(
            input.read_at_most(7).unwrap(),
            [192, 193, 194, 195, 196, 197, 198]
        );
        assert_eq!(input.read_array::<2>().unwrap(), None);
        assert!(!input.skip(1).unwrap());
    }
}
