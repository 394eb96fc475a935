//! What makes a run survive: finished parts of observations, and finished mixtures, on disk ([store], [record]) under
//! keys of what determines them ([key]), the folder that holds them for one run at a time ([run_folder], [lock]), the
//! list of what an experiment consists of ([plan]), and its distribution over machines ([shard]).

pub mod key;
pub mod lock;
pub mod plan;
pub mod record;
pub mod run_folder;
pub mod shard;
pub mod store;
pub mod work;
