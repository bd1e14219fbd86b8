//! smpc-stdlib
