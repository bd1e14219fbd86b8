//! Scripts for secure multi-party computation inside of Rust programs.
//!
//! [`program!`] checks a script while your crate is compiled and gives its typed interface: inputs
//! and outputs of each party as structs, each party's part as a function over channels. What the
//! `smpc` command would complain about is a compile error that names the script's line.
//!
//! ```
//! # const _: &str = stringify!(
//! smpc::program!("mean.smpc", scheme = "rep3");
//! # );
//! # smpc::program!("../../examples/embedded/src/mean.smpc", scheme = "rep3");
//!
//! let inputs = mean::Inputs {
//!     north: mean::north::Inputs { x: vec![1.0, 2.0] },
//!     south: mean::south::Inputs { y: vec![3.0] },
//! };
//! // The script has a parameter, with a default, and so `Params`; without one the argument is not there.
//! let outputs = mean::run_locally(&mean::Params::default(), &inputs, None)?;
//! assert!((outputs.north.mean - 2.0).abs() < 0.001);
//! # Ok::<(), smpc::runtime::endpoint::Failure>(())
//! ```
//!
//! `examples/embedded` has this script and this call, and more.
//!
//! # The interface
//!
//! The module has the script's name and holds, as far as the script has them:
//!
//! - `Params`, the public parameters, with the script's defaults;
//! - `Sizes`, the lengths of all inputs, which every party knows;
//! - for each party a module with `Inputs`, `Outputs` and `run`;
//! - `Inputs`, `Outputs` and `run_locally` over all parties, each on a thread of its own;
//! - `DESCRIPTION`, what parties compare before they compute over a network;
//! - `raw`, the same over tensors.
//!
//! `int` is `i64` (`i128` in wider rings), `fix` is `f64`, `bool` is `bool`, `bits<m>` is `u64` or
//! `u128`, `text<n>` is `String`. A vector is a `Vec`, what has more axes a
//! [`runtime::typed::Array`]. Each field of a `struct` is a field of its own, in inputs and outputs alike:
//! `name` of `book` is `book_name`; members of a tuple `pair` are `pair_0` and `pair_1`. An output in a
//! loop or a branch is a `Vec` of what was handed out each time. Every error is a
//! [`runtime::endpoint::Failure`] with a code, a message and the script's line.

#[cfg(feature = "build")]
pub mod build;

/// Checks a script while the crate is compiled, and expands to a module with its typed interface.
///
/// ```
/// # const _: &str = stringify!(
/// smpc::program!("mean.smpc", scheme = "additive", sets = { threshold = 0.75 });
/// smpc::program!("highest.smpc", module = ten, scheme = "additive", parties = 5, sizes = { n = 10 });
/// # );
/// # smpc::program!("../../examples/embedded/src/mean.smpc", scheme = "additive", sets = { threshold = 0.75 });
/// # smpc::program!("../../examples/embedded/src/highest.smpc", module = ten, scheme = "additive", parties = 5, sizes = { n = 10 });
/// # assert_eq!(mean::Params::default().threshold, 0.75);
/// # assert_eq!(ten::party::NAMES.len(), 8);
/// ```
///
/// Paths are relative to the folder of the file with the call, as those of `include_str!`; a change
/// of the script compiles the crate again. Arguments, all optional:
///
/// | argument | is |
/// |---|---|
/// | `scheme = "rep3"` | the backend, or the path of a file that declares one |
/// | `parties = 5` | the number of computing parties |
/// | `sets = { epochs = 30 }` | defaults of parameters, counts of party families |
/// | `sizes = { n = 400 }` | sizes that become constants |
/// | `inputs = "folder"` | folders that count the members of party families |
/// | `module = name` | the name of the module, else the script's |
#[cfg(feature = "macros")]
pub use smpc_macros::program;
/// What generated code runs on.
pub use smpc_runtime as runtime;
