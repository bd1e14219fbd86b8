smpc_macros::program!("missing.smpc");

fn main() {}
