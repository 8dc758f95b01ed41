//! Regular expressions, in a syntax close to Oniguruma's, with a limit on backtracking.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::mem::take;
use std::rc::Rc;

use fancy_regex::{Captures, Regex, RegexBuilder};
use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, run};
use jaq_core::{Bind, Cv, Error, Exn, ValR, ValXs};

use super::{native, unfit};
use crate::bounds::{MAX_REGEX_BACKTRACKS, MAX_REGEX_BYTES, REGEX_CACHE_ENTRIES};
use crate::interpreter::fail;
use crate::interpreter::fuel::Fuelled;
use crate::value::Value;

pub(super) fn funs() -> Vec<Fun<Fuelled>> {
    vec![
        native!(&"_test", test, pattern, flags),
        native!(&"_matches", matches, pattern, flags),
        native!(&"_parts", parts, pattern, flags),
        run::<Fuelled>((
            "_sub",
            [Bind::Var(()), Bind::Var(()), Bind::Fun(())].into(),
            substitute,
        )),
    ]
}

fn test(value: &Value, pattern: &Value, flags: &Value) -> ValR<Value> {
    let search = Search::new(value, pattern, flags)?;
    let found = search.regex.is_match(search.text).map_err(failed)?;
    Ok(Value::Bool(found))
}

/// An array of what `match` answers.
fn matches(value: &Value, pattern: &Value, flags: &Value) -> ValR<Value> {
    let search = Search::new(value, pattern, flags)?;
    let mut position = Position::default();
    let found = search.all()?;
    let shown = found
        .iter()
        .map(|found| shown(&search, found, &mut position));
    Ok(shown.collect())
}

/// An array of what stands between the matches.
fn parts(value: &Value, pattern: &Value, flags: &Value) -> ValR<Value> {
    let search = Search::new(value, pattern, flags)?;
    let mut parts = Vec::new();
    let mut start = 0;
    for found in search.all()? {
        let (from, to) = span(&found, 0).unwrap_or((start, start));
        parts.push(Value::string(search.text.get(start..from).unwrap_or("")));
        start = to;
    }
    parts.push(Value::string(&search.text[start..]));
    Ok(Value::array(parts))
}

/// The text with each match replaced by what `made` makes of its named groups: one text for each of
/// its outputs, without what stands behind the last match, which is the second answer.
fn replaced<'a>(
    search: &Search<'_>,
    made: impl Fn(Value) -> ValXs<'a, Value>,
) -> Result<(Vec<Value>, Value), Exn<'a, Value>> {
    let mut texts = Vec::new();
    let mut start = 0;
    for found in search.all()? {
        let (from, to) = span(&found, 0).unwrap_or((start, start));
        let gap = Value::string(search.text.get(start..from).unwrap_or(""));
        let made: Vec<Value> = made(named(search, &found)).collect::<Result<_, _>>()?;
        texts.resize(texts.len().max(made.len()), Value::Null);
        for (text, made) in texts.iter_mut().zip(made) {
            let made = (gap.clone() + made)?;
            *text = (take(text) + made)?;
        }
        start = to;
    }
    Ok((texts, Value::string(&search.text[start..])))
}

/// Replaces the matches of a pattern by the outputs of a function.
fn substitute(mut cv: Cv<'_, Fuelled>) -> ValXs<'_, Value> {
    let (function, ctx) = cv.0.pop_fun();
    let flags = cv.0.pop_var();
    let pattern = cv.0.pop_var();
    let made = |groups| function.run((ctx.clone(), groups));
    let search = Search::new(&cv.1, &pattern, &flags).map_err(Exn::from);
    match search.and_then(|search| replaced(&search, made)) {
        Err(error) => box_once(Err(error)),
        Ok((texts, _)) if texts.is_empty() => box_once(Ok(cv.1)),
        Ok((texts, rest)) => {
            let texts = texts.into_iter();
            Box::new(texts.map(move |text| Ok((text + rest.clone())?)))
        }
    }
}

fn span(found: &Captures<'_, str>, group: usize) -> Option<(usize, usize)> {
    found.get(group).map(|group| (group.start(), group.end()))
}

fn named(search: &Search<'_>, found: &Captures<'_, str>) -> Value {
    let groups = search.regex.capture_names().enumerate();
    let groups = groups.filter_map(|(group, name)| {
        let text = found.get(group).map(|group| Value::string(group.as_str()));
        Some((Rc::new(name?.to_owned()), text.unwrap_or_default()))
    });
    Value::object(groups.collect())
}

fn shown(search: &Search<'_>, found: &Captures<'_, str>, position: &mut Position) -> Value {
    let (from, to) = span(found, 0).unwrap_or_default();
    let whole = &search.text[from..to];
    let offset = position.count(search.text, from);
    let mut inner = *position;
    let groups = search.regex.capture_names().enumerate().skip(1);
    let groups = groups.map(|(group, name)| {
        let name = name.map_or(Value::Null, Value::string);
        match span(found, group) {
            None => group_record(-1.0, Value::Null, 0.0, name),
            Some((from, to)) => {
                let text = &search.text[from..to];
                let mut from_here = if from >= inner.bytes {
                    inner
                } else {
                    Position::default()
                };
                let offset = from_here.count(search.text, from);
                inner = from_here;
                let length = text.chars().count() as f64;
                group_record(offset, Value::string(text), length, name)
            }
        }
    });
    let groups: Vec<Value> = groups.collect();
    Value::record([
        ("offset", Value::Number(offset)),
        ("length", Value::Number(whole.chars().count() as f64)),
        ("string", Value::string(whole)),
        ("captures", Value::array(groups)),
    ])
}

/// jq puts a group's members in another order where it matched nothing.
fn group_record(offset: f64, text: Value, length: f64, name: Value) -> Value {
    let (offset, size) = (Value::Number(offset), Value::Number(length));
    if length > 0.0 {
        Value::record([
            ("offset", offset),
            ("length", size),
            ("string", text),
            ("name", name),
        ])
    } else {
        Value::record([
            ("offset", offset),
            ("string", text),
            ("length", size),
            ("name", name),
        ])
    }
}

/// A place in a text, in bytes and in code points.
#[derive(Clone, Copy, Default)]
struct Position {
    bytes: usize,
    characters: usize,
}

impl Position {
    /// The code points before byte `to`, counted on from here.
    fn count(&mut self, text: &str, to: usize) -> f64 {
        self.characters += text[self.bytes..to].chars().count();
        self.bytes = to;
        self.characters as f64
    }
}

struct Search<'v> {
    text: &'v str,
    regex: Rc<Regex>,
    global: bool,
}

impl<'v> Search<'v> {
    fn new(value: &'v Value, pattern: &Value, flags: &Value) -> Result<Self, Error<Value>> {
        let no_string = "cannot be matched, as it is not a string";
        let text = value.text().ok_or_else(|| unfit(value, no_string))?;
        let pattern = pattern.text().ok_or_else(|| unfit(pattern, no_string))?;
        let flags = match flags {
            Value::Null => "",
            flags => flags
                .text()
                .ok_or_else(|| unfit(flags, "is not a string"))?,
        };
        let options = Options::read(flags)?;
        // `$` also stands before a line's end that ends the text
        let end = text.ends_with('\n');
        Ok(Self {
            text,
            regex: compiled(pattern, options, end)?,
            global: options.global,
        })
    }

    /// All matches, or the first one.
    fn all(&self) -> Result<Vec<Captures<'v, str>>, Error<Value>> {
        let mut all = Vec::new();
        let mut start = 0;
        while start <= self.text.len() {
            let found = self.regex.captures_from_pos(self.text, start);
            let Some(found) = found.map_err(failed)? else {
                break;
            };
            let (from, to) = span(&found, 0).unwrap_or((start, start));
            let next = self.text[to..].chars().next().map_or(1, char::len_utf8);
            start = if from == to { to + next } else { to };
            all.push(found);
            if !self.global {
                break;
            }
        }
        Ok(all)
    }
}

fn failed(error: impl std::fmt::Display) -> Error<Value> {
    fail(format!("Regex failure: {error}"))
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Options {
    global: bool,
    ignore_case: bool,
    extended: bool,
    dot_all: bool,
    not_empty: bool,
}

impl Options {
    fn read(flags: &str) -> Result<Self, Error<Value>> {
        let mut options = Self::default();
        for flag in flags.chars() {
            match flag {
                'g' => options.global = true,
                'i' => options.ignore_case = true,
                'x' => options.extended = true,
                // `^` and `$` stand for the ends of the text in any case, and the alternative
                // written first counts
                's' | 'l' => {}
                'p' => options.dot_all = true,
                'n' => options.not_empty = true,
                _ => return Err(fail(format!("{flags} is not a valid modifier string"))),
            }
        }
        Ok(options)
    }
}

struct Cached {
    pattern: String,
    options: Options,
    end: bool,
    regex: Rc<Regex>,
}

thread_local! {
    /// Compiled patterns, the one used last in front: most are used for every element of a list.
    static CACHE: RefCell<VecDeque<Cached>> = const { RefCell::new(VecDeque::new()) };
}

fn compiled(pattern: &str, options: Options, end: bool) -> Result<Rc<Regex>, Error<Value>> {
    let options = Options {
        global: false,
        ..options
    };
    let end = end && pattern.contains('$');
    CACHE.with_borrow_mut(|cache| {
        let is_wanted = |cached: &Cached| {
            cached.pattern == pattern && cached.options == options && cached.end == end
        };
        if let Some(place) = cache.iter().position(is_wanted)
            && let Some(cached) = cache.remove(place)
        {
            let regex = Rc::clone(&cached.regex);
            cache.push_front(cached);
            return Ok(regex);
        }
        let regex = Rc::new(compile(pattern, options, end)?);
        cache.truncate(REGEX_CACHE_ENTRIES - 1);
        cache.push_front(Cached {
            pattern: pattern.to_owned(),
            options,
            end,
            regex: Rc::clone(&regex),
        });
        Ok(regex)
    })
}

fn compile(pattern: &str, options: Options, end: bool) -> Result<Regex, Error<Value>> {
    let anchored;
    let pattern = if end {
        anchored = anchors_before_line_end(pattern);
        anchored.as_str()
    } else {
        pattern
    };
    let build = |pattern: &str, not_empty| {
        RegexBuilder::new(pattern)
            .case_insensitive(options.ignore_case)
            .ignore_whitespace(options.extended)
            .dot_matches_new_line(options.dot_all)
            .find_not_empty(not_empty)
            .backtrack_limit(MAX_REGEX_BACKTRACKS)
            .delegate_size_limit(MAX_REGEX_BYTES)
            .build()
    };
    match build(pattern, options.not_empty) {
        // a pattern of no width is refused where it must match something: it never does
        Err(_) if options.not_empty && build(pattern, false).is_ok() => {
            build(MATCHES_NOTHING, false).map_err(failed)
        }
        built => built.map_err(failed),
    }
}

const MATCHES_NOTHING: &str = r"[^\s\S]";

/// `pattern` with each `$` that is an anchor standing before a last line's end, too.
fn anchors_before_line_end(pattern: &str) -> String {
    let mut changed = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                changed.push(c);
                changed.extend(chars.next());
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '$' if !in_class => {
                changed.push_str("(?:$|(?=\\n\\z))");
                continue;
            }
            _ => {}
        }
        changed.push(c);
    }
    changed
}
