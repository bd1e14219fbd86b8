//! The real-number shadow of a run.
//!
//! The share-level program is evaluated a second time over exact integers and double-precision
//! reals, with the same inputs and no cryptography, and every secret of the run is compared with
//! its shadow: values that left the ring's range, truncations that failed, and values that have
//! lost their significant bits where those matter (revealed values, divisors, arguments of roots
//! and logarithms).
//!
//! The auditor sees every secret: this is a tool for synthetic data or one's own.

mod array;
mod compare;
mod evaluate;
mod local;
mod outputs;

pub use array::{Array, Data};
pub use compare::{Finding, Kind, Observations, Observed, Report, audit};
pub use evaluate::{Environment, Stopped};
pub use outputs::{Output, outputs};
