smpc_macros::program!("syntax.smpc");

fn main() {}
