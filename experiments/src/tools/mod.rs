//! The tools for recordings of one's own: [`train`] learns dictionaries, [`separate`] makes stems,
//! [`score`] compares them with the true signals.

pub(crate) mod dictionary_file;
pub(crate) mod file_kinds;
pub(crate) mod recordings;
pub(crate) mod score;
pub(crate) mod separate;
pub(crate) mod train;
pub(crate) mod work_queue;
