//! What an endpoint runs on: tensors and their operations, clear fixed point, pseudorandom streams,
//! matrix products, framed channels between endpoints.
//!
//! Nothing here knows the language, a scheme or a protocol.

pub mod bits;
pub mod channel;
pub mod coin;
pub mod command;
pub mod digest;
pub mod elementwise;
pub mod endpoint;
mod error;
pub mod field;
pub mod files;
pub mod fixed;
pub mod gemm;
pub mod kernel;
pub mod layout;
mod memory;
#[cfg(feature = "net")]
pub mod net;
pub mod number;
pub mod ops;
#[cfg(feature = "net")]
pub mod party;
pub mod pass;
mod pool;
pub mod prg;
pub mod product;
pub mod report;
pub mod show;
pub mod tensor;
pub mod terminal;
pub mod tree;
pub mod typed;

pub use error::LocalError;
pub use smpc_ir::party::Elem;
pub use tensor::Tensor;

/// What compiled programs are written with.
pub mod prelude {
    pub use crate::LocalError;
    pub use crate::channel::Channel;
    pub use crate::endpoint::{Account, Endpoint, Failure};
    pub use crate::field::{M61, M89, M107, M127, prime};
    pub use crate::ops::*;
    pub use crate::pass::{
        Coin, asr, asr_wide, below, below_signed, bits, low, pass, pass_bits, pass_wide, pick,
        same, signed, wide, word,
    };
    pub use crate::tensor::Tensor;
    pub use crate::tree::{reduce, scan};
    pub use smpc_ir::party::CoinDomain::{Below, Nonzero, Permutation};
    pub use smpc_ir::party::Elem::{Bits, Field, Fix, Ring};
}
