//! Pages for the codes of this crate: a wrong example, a right one, why. They are the files of
//! `explain/`.

/// One table: a code and its page.
macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        /// Every code explained here. `U01`, what is not executable yet, is the checker's too, and has
        /// its page there.
        pub const CODES: &[&str] = &[$($code),*];

        /// The page of a code, if it is one of this crate's.
        pub fn explain(code: &str) -> Option<&'static str> {
            match code {
                $($code => Some(include_str!(concat!("../explain/", $code, ".md"))),)*
                _ => None,
            }
        }
    };
}

pages![
    "C01", "C02", "K01", "K02", "K03", "K04", "K05", "K06", "K07", "K08", "K09", "N40", "N41",
    "N42", "N43", "P01", "P02", "P03", "P04", "P05", "P06", "P07", "P08", "P09",
];
