//! Many at once: processes and threads on one file, and the first of them.

use std::sync::Barrier;
use std::thread;

use fuseboard::store::Store;

use crate::home::{Home, count_up, counted, name};

/// Starts so many processes, each of which counts so often, and waits for all.
fn count(home: &Home, processes: usize, each: u32) {
    let children: Vec<_> = (0..processes).map(|_| home.child(&format!("count {each}"))).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn eight_processes_on_one_file_lose_no_count() {
    let home = Home::new();
    count(&home, 8, 100);
    assert_eq!(home.store().load(&name("counter")).unwrap().record, counted(800));
}

#[test]
fn many_processes_may_be_the_first_at_once() {
    let crowd = std::env::var("FUSEBOARD_CROWD").ok().and_then(|crowd| crowd.parse().ok()).unwrap_or(200);
    let home = Home::new();
    count(&home, crowd, 1);
    assert_eq!(home.store().load(&name("counter")).unwrap().record, counted(u32::try_from(crowd).unwrap()));
    assert_eq!(home.files(".corrupt-"), [""; 0]);
    assert_eq!(home.files(".new"), [""; 0]);
}

#[test]
fn two_hundred_threads_with_a_handle_each_may_be_the_first_at_once() {
    let home = Home::new();
    let start = Barrier::new(200);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| {
                let store = home.store().with_busy_limit(std::time::Duration::from_mins(1));
                start.wait();
                count_up(&store, "counter", |_| Vec::new());
                assert_eq!(store.damage(), None);
            });
        }
    });
    assert_eq!(home.store().load(&name("counter")).unwrap().record, counted(200));
}
