//! Any text as a jq expression: it compiles or not, and evaluates within its bounds.
#![no_main]
#![feature(alloc_error_hook)]

use std::alloc::System;
use std::panic::resume_unwind;
use std::sync::Once;

use libfuzzer_sys::fuzz_target;
use longshore_jq::fuzzing::Bench;
use longshore_jq::{Evaluated, Metered, Program};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: Metered<System> = Metered::new(System);

static HOOK: Once = Once::new();

const INPUT: &str = r#"{"inputs":{"name":"svc","n":10,"big":9007199254740993,"text":"a,b;ü\u0000",
"list":[1,null,"x",{"k":[]}],"at":"2026-01-02T03:04:05Z"},"run":{"id":"r_1"},"none":null}"#;

thread_local! {
    static BENCH: Bench = Bench::start().expect("a thread");
}

fuzz_target!(|text: &str| {
    // a worker dies of an allocation that is refused, and is replaced
    HOOK.call_once(|| std::alloc::set_alloc_error_hook(|_| resume_unwind(Box::new("refused"))));
    let Ok(program) = Program::compile(text) else {
        return;
    };
    let input: Value = serde_json::from_str(INPUT).expect("it is JSON");
    let plain = program.evaluate_in_process(&input);
    let full = BENCH.with(|bench| bench.evaluate(text, INPUT));
    let full = full.expect("it compiled, so it is answered");
    let needed = BENCH.with(|bench| bench.evaluate_on_needed(text, &input));
    let needed = needed.expect("it compiled, so it is answered");
    // less input takes less time and memory, and is the same in all else
    let exceeded = |found: &Evaluated| matches!(found, Evaluated::Exceeded(_));
    if !text.contains("now") && !exceeded(&full) && !exceeded(&needed) {
        assert_eq!(needed, full);
    }
    // what both evaluate is the same, but for the words of errors
    if let (Some(Evaluated::Output(plain)), Evaluated::Output(full)) = (plain, full) {
        assert_eq!(plain.to_string(), full.to_string());
    }
});
