smpc_macros::program!("good.smpc", sets = { rate = true }, sizes = { n = 3 });

fn main() {}
