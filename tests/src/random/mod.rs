//! Random well-typed scripts with what they must answer, and the means to run them every way.

pub mod ast;
mod builtin;
pub mod drive;
pub mod evaluate;
mod express;
pub mod generate;
mod operator;
pub mod print;
pub mod shrink;
pub mod value;
pub mod walk;

#[cfg(test)]
mod tests {
    use super::ast::{Base, Bin, Dim, Expr, Script, Stmt};
    use super::drive::Failure;
    use super::generate::Extent::Full;
    use super::{evaluate, generate, print, shrink, walk};

    fn var(name: &str) -> Box<Expr> {
        Box::new(Expr::Var(name.into()))
    }

    fn reveal(value: Expr) -> Stmt {
        Stmt::Reveal {
            value,
            to: None,
            name: "out".into(),
        }
    }

    #[test]
    fn a_seed_is_a_script() {
        for seed in 0..20 {
            assert_eq!(generate::script(seed, Full), generate::script(seed, Full));
        }
        assert_ne!(generate::script(1, Full).0, generate::script(2, Full).0);
    }

    #[test]
    fn parentheses_stand_where_they_are_needed() {
        let sum = Expr::Bin(Bin::Add, var("a"), var("b"));
        let product = Expr::Bin(Bin::Mul, Box::new(sum.clone()), var("c"));
        assert_eq!(print::expr(&product), "(a + b) * c");
        assert_eq!(
            print::expr(&Expr::Neg(Box::new(Expr::Pow(var("a"), 2)))),
            "-a ^ 2"
        );
        assert_eq!(
            print::expr(&Expr::Pow(Box::new(Expr::Neg(var("a"))), 2)),
            "(-a) ^ 2"
        );
        let shared = Expr::Share(Box::new(sum));
        assert_eq!(print::expr(&shared), "share (a + b)");
        let size = Expr::Size(Dim::name("n").plus(&Dim::constant(1), -1));
        let times = Expr::Bin(Bin::Mul, var("a"), Box::new(size));
        assert_eq!(print::expr(&times), "a * (n - 1)");
    }

    #[test]
    fn sizes_are_polynomials() {
        let n = Dim::name("n");
        let square = n
            .plus(&Dim::constant(1), 1)
            .times(&n.plus(&Dim::constant(1), -1));
        assert_eq!(square.to_string(), "n * n - 1");
        assert_eq!(square.value(&|_| Some(5)), Some(24));
        assert_eq!(n.plus(&n, -1).as_constant(), Some(0));
    }

    #[test]
    fn scripts_are_evaluated() {
        let third = Expr::Bin(
            Bin::Div,
            Box::new(Expr::Share(Box::new(Expr::Fix("1.0".into())))),
            Box::new(Expr::Fix("3.0".into())),
        );
        let script = Script {
            ring: 64,
            body: vec![reveal(Expr::Tuple(vec![third, Expr::Int(7)]))],
            ..Script::default()
        };
        let out = &evaluate::outputs(&script).unwrap()["out"];
        assert!((out[0].1.real - 1.0 / 3.0).abs() < 1e-12);
        assert!(out[0].1.error > 0.0 && out[0].1.error < 1e-3);
        assert_eq!((out[1].0, out[1].1.int), (Base::Int, 7));
    }

    #[test]
    fn a_failing_script_shrinks() {
        // Pretend that every script with a product fails.
        let fails = |script: &Script| {
            let found = walk::features(script).contains_key("*");
            found.then(|| Failure {
                stage: "pretended".into(),
                message: "there is a product".into(),
            })
        };
        let seed = (0..)
            .find(|s| fails(&generate::script(*s, Full).0).is_some())
            .unwrap();
        let script = generate::script(seed, Full).0;
        let failure = fails(&script).unwrap();
        let (small, _) = shrink::shrunk(&script, &failure, &mut |s| fails(s), 2000);
        assert!(fails(&small).is_some());
        assert!(
            small.body.len() + small.functions.len() <= 2,
            "{}",
            print::script(&small)
        );
    }
}
