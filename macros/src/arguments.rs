//! What is written between the parentheses of the macro.

use smpc_driver::Setting;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, Lit, LitInt, LitStr, Token, braced, ext::IdentExt};

/// The script and what it is bound to.
pub struct Arguments {
    /// Its path as written.
    pub script: LitStr,
    /// The name of the module, if it is not the script's.
    pub module: Option<Ident>,
    /// As `--scheme`.
    pub scheme: Option<String>,
    /// As `--parties`.
    pub parties: Option<u8>,
    /// As `--inputs`: folders that count the members of party families.
    pub inputs: Option<String>,
    /// As `--set`.
    pub sets: Vec<Setting>,
    /// As `--size`.
    pub sizes: Vec<Setting>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self {
            script: input.parse()?,
            module: None,
            scheme: None,
            parties: None,
            inputs: None,
            sets: vec![],
            sizes: vec![],
        };
        let mut seen: Vec<Ident> = vec![];
        while !input.is_empty() {
            input.parse::<Token![,]>()?;
            if input.is_empty() {
                break;
            }
            let name = input.call(Ident::parse_any)?;
            if seen.contains(&name) {
                return Err(syn::Error::new(
                    name.span(),
                    format!("`{name}` is given twice"),
                ));
            }
            input.parse::<Token![=]>()?;
            match name.to_string().as_str() {
                "module" => arguments.module = Some(input.parse()?),
                "scheme" => arguments.scheme = Some(input.parse::<LitStr>()?.value()),
                "parties" => arguments.parties = Some(input.parse::<LitInt>()?.base10_parse()?),
                "inputs" => arguments.inputs = Some(input.parse::<LitStr>()?.value()),
                "sets" => arguments.sets = settings(input)?,
                "sizes" => arguments.sizes = settings(input)?,
                _ => {
                    let message = format!(
                        "there is no argument `{name}`\n  help: there are `scheme`, `parties`, \
                         `sets`, `sizes`, `inputs` and `module`"
                    );
                    return Err(syn::Error::new(name.span(), message));
                }
            }
            seen.push(name);
        }
        Ok(arguments)
    }
}

/// `{ epochs = 30, rate = 0.5, "n[0]" = 7 }`.
fn settings(input: ParseStream<'_>) -> syn::Result<Vec<Setting>> {
    let inner;
    braced!(inner in input);
    let mut settings = vec![];
    while !inner.is_empty() {
        let name = if inner.peek(LitStr) {
            inner.parse::<LitStr>()?.value()
        } else {
            inner.call(Ident::parse_any)?.to_string()
        };
        inner.parse::<Token![=]>()?;
        let minus = inner.parse::<Option<Token![-]>>()?;
        let literal: Lit = inner.parse()?;
        let value = match &literal {
            Lit::Int(value) => value.base10_digits().to_owned(),
            Lit::Float(value) => value.base10_digits().to_owned(),
            Lit::Bool(value) => value.value.to_string(),
            Lit::Str(value) => value.value(),
            other => return Err(syn::Error::new(other.span(), "expected a number or a text")),
        };
        let sign = if minus.is_some() { "-" } else { "" };
        settings.push((name, format!("{sign}{value}")));
        if !inner.is_empty() {
            inner.parse::<Token![,]>()?;
        }
    }
    Ok(settings)
}
