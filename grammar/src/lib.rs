//! smpc-grammar
