//! What an endpoint runs on: pseudorandom streams, packed bits, matrix products, framed channels between endpoints.
//!
//! Nothing here knows the language, a scheme or a protocol.

pub mod bits;
pub mod channel;
pub mod gemm;
pub mod prg;
