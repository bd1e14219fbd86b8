smpc_macros::program!("good.smpc", sizes = { k = 3 });

fn main() {}
