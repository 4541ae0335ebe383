use super::*;

#[test]
fn a_fault_costs_the_work_in_hand_and_not_the_worker() {
    let (stop, block) = (AtomicBool::new(false), Block::default());
    let mut turns = 0;
    keep_going(&stop, &block, || {
        turns += 1;
        match turns {
            1..=3 => panic!("a fault that a test makes"),
            4 => {}
            _ => stop.store(true, Relaxed),
        }
    });
    assert_eq!(turns, 5);
    assert_eq!(crate::statistics::Traffic::sum([&block]).faults, 3);
}
