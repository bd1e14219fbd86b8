//! What an endpoint runs on: tensors and their operations, clear fixed point, pseudorandom streams,
//! matrix products, framed channels between endpoints.
//!
//! Nothing here knows the language, a scheme or a protocol.

pub mod bits;
pub mod channel;
pub mod coin;
pub mod elementwise;
mod error;
pub mod fixed;
pub mod gemm;
pub mod kernel;
pub mod layout;
mod pool;
pub mod prg;
pub mod product;
pub mod tensor;

pub use error::LocalError;
pub use tensor::Tensor;
