//! Samples stored one by one: integers, floats and the codes of G.711.

use super::error::AudioFault;
use super::g711::{expand_a_law, expand_mu_law};
use super::input::Input;

/// More channels than this are a damaged header.
const MOST_CHANNELS: usize = 1024;
/// Bytes read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// Which end of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    fn u64(self, bytes: [u8; 8]) -> u64 {
        match self {
            Self::Little => u64::from_le_bytes(bytes),
            Self::Big => u64::from_be_bytes(bytes),
        }
    }

    /// An integer of up to four bytes, in the upper bits of one of 32.
    fn left_aligned(self, bytes: &[u8]) -> i32 {
        let mut word = [0; 4];
        match self {
            Self::Little => {
                word[4 - bytes.len()..].copy_from_slice(bytes);
                i32::from_le_bytes(word)
            }
            Self::Big => {
                word[..bytes.len()].copy_from_slice(bytes);
                i32::from_be_bytes(word)
            }
        }
    }
}

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SampleCode {
    /// 8 bits, 128 is zero.
    Unsigned8,
    /// Two's complement.
    Integer {
        /// 1 to 4.
        bytes: usize,
        /// Upper bits that only repeat the sign.
        unused_bits: u32,
    },
    Float32,
    Float64,
    ALaw,
    MuLaw,
}

impl SampleCode {
    /// Integers that fill their bytes.
    pub(super) fn integer(bytes: usize) -> Self {
        Self::Integer {
            bytes,
            unused_bits: 0,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::ALaw | Self::MuLaw => 1,
            Self::Integer { bytes, .. } => bytes,
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }
}

/// How the samples of all channels are stored: interleaved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) code: SampleCode,
    pub(super) order: ByteOrder,
    pub(super) channels: usize,
    pub(super) sample_rate_hz: u32,
}

impl Layout {
    /// Checks what the header says of the whole.
    pub(super) fn new(
        code: SampleCode,
        order: ByteOrder,
        channels: usize,
        sample_rate_hz: u32,
    ) -> Result<Self, AudioFault> {
        if channels == 0 {
            return Err(AudioFault::Malformed("there are no channels"));
        }
        if channels > MOST_CHANNELS {
            return Err(AudioFault::Malformed("there are more than 1024 channels"));
        }
        if sample_rate_hz == 0 {
            return Err(AudioFault::Malformed("the sample rate is zero"));
        }
        Ok(Self {
            code,
            order,
            channels,
            sample_rate_hz,
        })
    }

    fn frame_bytes(&self) -> usize {
        self.channels * self.code.bytes()
    }

    /// The value of one sample.
    fn decode(&self, bytes: &[u8]) -> f64 {
        /// Full scale of integers in the upper bits of 32, and of those of 16.
        const STEP_32: f64 = 1.0 / 2_147_483_648.0;
        const STEP_16: f64 = 1.0 / 32_768.0;
        match (self.code, bytes) {
            (SampleCode::Unsigned8, &[code]) => (f64::from(code) - 128.0) / 128.0,
            (SampleCode::ALaw, &[code]) => f64::from(expand_a_law(code)) * STEP_16,
            (SampleCode::MuLaw, &[code]) => f64::from(expand_mu_law(code)) * STEP_16,
            (SampleCode::Integer { unused_bits, .. }, bytes) => {
                f64::from(self.order.left_aligned(bytes) << unused_bits) * STEP_32
            }
            (SampleCode::Float32, &[a, b, c, d]) => {
                f64::from(f32::from_bits(self.order.u32([a, b, c, d])))
            }
            (SampleCode::Float64, &[a, b, c, d, e, f, g, h]) => {
                f64::from_bits(self.order.u64([a, b, c, d, e, f, g, h]))
            }
            _ => unreachable!("a sample has the bytes of its code"),
        }
    }
}

impl Shortfall {
    /// Nothing where all that was promised is there.
    fn new(promised: u64, present: u64) -> Option<Self> {
        (promised > present).then_some(Self { promised, present })
    }
}

/// Decodes samples from the first to the last, block by block.
pub(super) struct PcmDecoder {
    input: Input,
    layout: Layout,
    /// Bytes of the samples not yet read; unknown where only the end of the input tells.
    left: Option<u64>,
    position: usize,
    block: Vec<u8>,
    /// Whether another chunk of samples behind these is an error, not to be passed over in silence.
    is_one_chunk: bool,
    shortfall: Option<Shortfall>,
}

/// A file that ends before its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shortfall {
    /// Samples of each channel by the header.
    pub(super) promised: u64,
    /// Samples of each channel in the file.
    pub(super) present: u64,
}

impl PcmDecoder {
    /// `input` stands at the first sample. `declared_bytes`: how much of it the header calls
    /// samples, nothing where it leaves that open.
    pub(super) fn new(
        input: Input,
        layout: Layout,
        declared_bytes: Option<u64>,
    ) -> Result<Self, AudioFault> {
        let left = match (declared_bytes, input.remaining()) {
            (Some(declared), Some(remaining)) => Some(declared.min(remaining)),
            (declared, remaining) => declared.or(remaining),
        };
        let frame_bytes = layout.frame_bytes();
        if left.is_some_and(|bytes| bytes < frame_bytes as u64) {
            return Err(AudioFault::Empty);
        }
        let samples = |bytes: u64| bytes / frame_bytes as u64;
        let known = declared_bytes.zip(input.remaining());
        let shortfall = known.and_then(|(declared, remaining)| {
            Shortfall::new(samples(declared), samples(remaining))
        });
        let block_frames = (BLOCK_BYTES / frame_bytes).max(1);
        Ok(Self {
            shortfall,
            block: vec![0; block_frames * frame_bytes],
            input,
            layout,
            left,
            position: 0,
            is_one_chunk: false,
        })
    }

    /// Refuses another chunk of samples right behind these.
    pub(super) fn of_one_chunk(self) -> Self {
        Self {
            is_one_chunk: true,
            ..self
        }
    }

    /// What the header promises in vain: known at the start of a regular file, and at the end of a
    /// stream.
    pub(super) fn shortfall(&self) -> Option<Shortfall> {
        self.shortfall
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Samples of each channel, where the length of the input is known; a stream may end before its
    /// header says.
    pub(super) fn samples(&self) -> Option<u64> {
        self.input.remaining()?;
        let frame_bytes = self.layout.frame_bytes() as u64;
        Some(self.position as u64 + self.left? / frame_bytes)
    }

    /// The next `samples` samples of each channel, or what is left.
    pub(super) fn read(&mut self, samples: usize) -> Result<Vec<Vec<f64>>, AudioFault> {
        let count = self.layout.channels;
        let frame_bytes = self.layout.frame_bytes();
        let mut channels = vec![Vec::new(); count];
        while channels[0].len() < samples {
            let frames = (samples - channels[0].len()).min(self.block.len() / frame_bytes);
            let bytes = (frames * frame_bytes) as u64;
            let bytes = self.left.map_or(bytes, |left| left.min(bytes)) as usize;
            let found = self.input.read_fully(&mut self.block[..bytes])?;
            let frames = found / frame_bytes;
            for channel in &mut channels {
                channel.reserve(frames);
            }
            for frame in self.block[..found].chunks_exact(frame_bytes) {
                let samples = frame.chunks_exact(self.layout.code.bytes());
                for (channel, sample) in channels.iter_mut().zip(samples) {
                    channel.push(self.layout.decode(sample));
                }
            }
            if let Some(left) = &mut self.left {
                *left -= found as u64;
            }
            if frames == 0 {
                let present = (self.position + channels[0].len()) as u64;
                let missing = self.left.unwrap_or_default() / frame_bytes as u64;
                let at_the_end = Shortfall::new(present + missing, present);
                self.shortfall = self.shortfall.or(at_the_end);
                break;
            }
        }
        if self.left == Some(0) && self.is_one_chunk {
            // A chunk of odd length is followed by a zero.
            let behind = self.input.peek(5)?;
            if behind.starts_with(b"data") || behind == b"\0data" {
                return Err(AudioFault::Malformed("there is a second data chunk"));
            }
        }
        self.check_finite(&channels)?;
        self.position += channels[0].len();
        Ok(channels)
    }

    fn check_finite(&self, channels: &[Vec<f64>]) -> Result<(), AudioFault> {
        if !matches!(self.layout.code, SampleCode::Float32 | SampleCode::Float64) {
            return Ok(());
        }
        let channels = channels.iter().enumerate();
        let first = channels
            .filter_map(|(channel, samples)| {
                let index = samples.iter().position(|sample| !sample.is_finite())?;
                Some((index, channel))
            })
            .min();
        first.map_or(Ok(()), |(index, channel)| {
            Err(AudioFault::NotFinite {
                channel,
                index: self.position + index,
            })
        })
    }
}
