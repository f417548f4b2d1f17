//! Time is a trait. In tests a clock that moves only when told to lets hours pass at once; a clock of one's own lets a
//! simulation run as fast as it can.
//!
//! ```text
//! cargo run -p fuseboard --example own_clock
//! cargo test -p fuseboard --example own_clock     # its own tests
//! ```

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use fuseboard::clock::{BootId, Clock, Moment};
use fuseboard::{Attempt, Board, Circuit, CircuitError};

/// What a program has: a price service, and the last price where there is no newer one.
struct Prices {
    circuit: Circuit,
    last: u64,
}

impl Prices {
    fn new(board: &Board) -> Result<Self, CircuitError> {
        Ok(Self { circuit: board.circuit("prices")?, last: 0 })
    }

    fn price(&mut self, ask: impl FnOnce() -> Result<u64, String>) -> u64 {
        if let Attempt::Done(price) = self.circuit.run(ask) {
            self.last = price;
        }
        self.last
    }
}

/// The clock of a simulation: it moves by a minute whenever somebody looks at it.
#[derive(Clone, Debug, Default)]
struct Minutes(Arc<AtomicI64>);

impl Clock for Minutes {
    fn now(&self) -> Moment {
        Moment(self.0.fetch_add(60_000, Ordering::Relaxed))
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(self.now().0.unsigned_abs())
    }

    fn boot(&self) -> BootId {
        "simulated".into()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // The service is down for the first two days.
    let clock = Minutes::default();
    let board = Board::builder().clock(clock.clone()).build();
    let mut prices = Prices::new(&board)?;
    let (mut asked, mut calls) = (0, 0);
    while prices.last == 0 {
        calls += 1;
        let is_down = clock.now() < Moment(48 * 3_600_000);
        prices.price(|| {
            asked += 1;
            if is_down { Err("connection refused".into()) } else { Ok(17) }
        });
    }
    println!("of {calls} calls in two days the service was asked at {asked}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use fuseboard::Policy;
    use fuseboard::clock::FakeClock;

    use super::*;

    fn stage() -> (FakeClock, Prices) {
        let clock = FakeClock::new();
        // Without jitter a cool-down is what it says to the millisecond.
        let policy = Policy::builder().jitter(0.0).build().unwrap();
        let board = Board::builder().clock(clock.clone()).policy(policy).build();
        let prices = Prices::new(&board).unwrap();
        (clock, prices)
    }

    fn down() -> Result<u64, String> {
        Err("connection refused".into())
    }

    #[test]
    fn while_the_service_is_down_the_last_price_holds() {
        let (_clock, mut prices) = stage();
        assert_eq!(prices.price(|| Ok(17)), 17);
        for _ in 0..5 {
            assert_eq!(prices.price(down), 17);
        }
        assert_eq!(prices.price(|| unreachable!("the circuit is open")), 17);
    }

    #[test]
    fn five_minutes_later_it_is_asked_again() {
        let (clock, mut prices) = stage();
        prices.price(down);
        prices.price(down);
        clock.advance(Duration::from_secs(299));
        assert_eq!(prices.price(|| unreachable!("a second too early")), 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(prices.price(|| Ok(18)), 18);
    }
}
