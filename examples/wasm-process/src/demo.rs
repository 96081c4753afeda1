//! A thousand guests in a line, and two beside them that misbehave.

use hchan::{Context, Group, bounded, go};
use hchan_wasm_process::{End, Failure, Host, Limits, ProgramError};

const GUESTS: usize = 1000;

/// Runs the guests, says what became of them, and answers the exit code of the command.
pub(crate) async fn demo() -> Result<u8, ProgramError> {
    let host = Host::new(Limits { fuel: Some(10_000_000), ..Limits::default() });
    let stage = host.program(include_str!("../guests/stage.wat"))?;
    let spin = host.program(include_str!("../guests/spin.wat"))?;
    let fail = host.program(include_str!("../guests/fail.wat"))?;

    let mut guests = Group::<Failure>::new();
    let (first, mut last) = bounded(1);
    for _ in 0..GUESTS {
        let (tx, rx) = bounded(1);
        let process = stage.process().end(End::Receiver(last)).end(End::Sender(tx));
        guests.go(async move { process.run(&Context::background()).await.map(drop) });
        last = rx;
    }
    let spin = go(async move { spin.process().run(&Context::background()).await });
    let fail = go(async move { fail.process().run(&Context::background()).await });

    go(async move { first.send_many((0..3_u32).map(|n| n.to_le_bytes().to_vec())).await });
    let mut became = Vec::new();
    while let Ok(message) = last.recv().await {
        let number = message.try_into().map_or(0, u32::from_le_bytes);
        became.push(format!("{} became {number}", became.len()));
    }
    println!("{GUESTS} guests in a line: {}", became.join(", "));
    println!("beside them one that loops for ever, and one that fails:");
    for (name, guest) in [("spin", spin), ("fail", fail)] {
        match guest.await {
            Ok(Err(failure)) => println!("  {name}: {failure}"),
            other => println!("  {name}: {other:?}"),
        }
    }
    Ok(u8::from(guests.wait().await.is_err()))
}
