//! smpc-runtime
