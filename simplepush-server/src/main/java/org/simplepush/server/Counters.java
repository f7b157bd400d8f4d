package org.simplepush.server;

import java.util.concurrent.atomic.LongAdder;

/** What a server has done since it was built, and holds now. Written by many threads. */
final class Counters {
  final LongAdder connectionsOpened = new LongAdder();
  final LongAdder connectionsClosed = new LongAdder();
  final Refusals refusals = new Refusals(System::nanoTime);
  final LongAdder hellos = new LongAdder();
  final LongAdder uaidsAssigned = new LongAdder();
  final LongAdder takeovers = new LongAdder();
  final LongAdder registers = new LongAdder();
  final LongAdder unregisters = new LongAdder();
  final LongAdder updatesAccepted = new LongAdder();
  final LongAdder updatesCollapsed = new LongAdder();
  final LongAdder updatesRepeated = new LongAdder();
  final LongAdder updatesStale = new LongAdder();
  final LongAdder updatesGone = new LongAdder();
  final LongAdder updatesRefused = new LongAdder();
  final LongAdder updatesSent = new LongAdder();
  final LongAdder updatesResent = new LongAdder();
  final LongAdder updatesAcknowledged = new LongAdder();
  final LongAdder nacks = new LongAdder();
  final StoreFailures storeFailures = new StoreFailures(System::nanoTime);
  final ConsumedBodies consumedBodies = new ConsumedBodies(System::nanoTime);
  final LongAdder userAgentsExpired = new LongAdder();
  final LongAdder sleeping = new LongAdder();
  final LongAdder wakeUpsSent = new LongAdder();
  final LongAdder wordsHeard = new LongAdder();
  final LongAdder wordsLost = new LongAdder();
  final LongAdder superseded = new LongAdder();
  final LongAdder digestMismatches = new LongAdder();
  final LongAdder goneHints = new LongAdder();

  /** What of the heap is in use. */
  final MemoryAccount memory;

  /** What threads have caught. */
  final FailureLog failures;

  Counters(MemoryAccount memory, FailureLog failures) {
    this.memory = memory;
    this.failures = failures;
  }

  ServerStatistics snapshot() {
    long closed = connectionsClosed.sum();
    // Read after the closed ones, so that the difference is never negative.
    long opened = connectionsOpened.sum();
    return new ServerStatistics(
        opened - closed,
        opened,
        closed,
        refusals.sum(Refusal.Kind.CONNECTION),
        hellos.sum(),
        uaidsAssigned.sum(),
        takeovers.sum(),
        registers.sum(),
        unregisters.sum(),
        updatesAccepted.sum(),
        updatesCollapsed.sum(),
        updatesRepeated.sum(),
        updatesStale.sum(),
        updatesGone.sum(),
        updatesRefused.sum(),
        updatesSent.sum(),
        updatesResent.sum(),
        updatesAcknowledged.sum(),
        nacks.sum(),
        storeFailures.sum(),
        userAgentsExpired.sum(),
        sleeping.sum(),
        wakeUpsSent.sum(),
        wordsHeard.sum(),
        wordsLost.sum(),
        superseded.sum(),
        digestMismatches.sum(),
        goneHints.sum(),
        refusals.sum(Refusal.Kind.REGISTRATION),
        memory.snapshot());
  }
}
