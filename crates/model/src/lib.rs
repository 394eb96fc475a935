//! WIP
mod bessel;
mod dictionary;
mod free_energy;
pub mod fusion;
pub mod gig;
mod inference;
pub mod is_nmf;
mod kernel;
mod log_product;
mod order_posterior;
pub mod reference;
mod source;
pub use dictionary::{Dictionary, DictionaryError};
pub use gig::{Gig, GigError};
pub use inference::{
    Execution, FactorExpectations, Inference, ModelError, Observer, OrderEstimate, Progress,
    Separation, Settings, Tempering, separate,
};
pub use is_nmf::{IsNmf, IsNmfError, IsNmfSettings};
pub use order_posterior::{entropy, tempered_posterior};
pub use source::{ACTIVATION_START, DictionaryModel, SourceModel};
