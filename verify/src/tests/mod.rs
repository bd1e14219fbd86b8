//! Tests by subject, and a builder of flat protocols.

mod active;
mod beside;
mod build;
mod calls;
mod clauses;
mod clear;
mod conclusions;
mod declared;
mod early;
mod faithful;
mod forms;
mod honest;
mod kept;
mod known_bad;
mod lies;
mod literature;
mod lying;
mod opened;
mod orders;
mod ranges;
mod reliance;
mod rings;
mod rushing;
mod soundness;
pub(crate) mod standard;
mod through;
mod weights;
