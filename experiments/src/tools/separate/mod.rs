//! From a recording to stems: any length, in bounded memory.
//!
//! A recording is read once for its level and once more in overlapping segments ([`segmentation`]).
//! Each segment is separated ([`segment_separator`]) by one inference over all orders of all sources,
//! or by one for each combination of orders ([`method`]); an estimated dictionary starts from its
//! posterior in the segment before ([`sources`]). Stems fade from one segment to the next with weights that sum to 1, and are
//! written as they come ([`stem_writers`]), so that they sum to the mixture, up to the sensor
//! noise, everywhere.

mod batch;
mod channel_mode;
mod describe;
mod driver;
mod leftover;
mod method;
mod recording_buffer;
mod report;
mod resampling;
mod segment_separator;
mod segmentation;
mod settings;
mod sources;
mod stem_folder;
mod stem_writers;

pub(crate) use batch::{Batch, BatchOutcome, Separation};
pub(crate) use channel_mode::ChannelMode;
pub(crate) use describe::check_recording;
pub(crate) use method::SeparationMethod;
pub(crate) use report::SeparationReport;
pub(crate) use settings::SeparationSettings;
pub(crate) use sources::{Background, SourceSet};
