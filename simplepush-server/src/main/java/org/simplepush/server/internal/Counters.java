package org.simplepush.server.internal;

import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.simplepush.server.ServerStatistics;

/** What a server has done since it was built, and holds now. Written by many threads. */
public final class Counters {
  public final LongAdder connectionsOpened = new LongAdder();
  public final LongAdder connectionsClosed = new LongAdder();
  public final Refusals refusals = new Refusals(System::nanoTime);
  public final LongAdder hellos = new LongAdder();
  public final LongAdder uaidsAssigned = new LongAdder();
  public final LongAdder takeovers = new LongAdder();
  public final LongAdder registers = new LongAdder();
  public final LongAdder unregisters = new LongAdder();
  public final LongAdder updatesAccepted = new LongAdder();
  public final LongAdder updatesCollapsed = new LongAdder();
  public final LongAdder updatesRepeated = new LongAdder();
  public final LongAdder updatesStale = new LongAdder();
  public final LongAdder updatesGone = new LongAdder();
  public final LongAdder updatesRefused = new LongAdder();
  public final LongAdder updatesSent = new LongAdder();
  public final LongAdder updatesResent = new LongAdder();
  public final LongAdder updatesAcknowledged = new LongAdder();
  public final LongAdder nacks = new LongAdder();
  public final StoreFailures storeFailures = new StoreFailures(System::nanoTime);
  public final ConsumedBodies consumedBodies = new ConsumedBodies(System::nanoTime);
  public final LongAdder userAgentsExpired = new LongAdder();
  public final LongAdder sleeping = new LongAdder();
  public final LongAdder wakeUpsSent = new LongAdder();
  public final LongAdder hintsReceived = new LongAdder();
  public final LongAdder hintsLost = new LongAdder();
  public final LongAdder storeLosses = new LongAdder();
  public final LongAdder storeRestored = new LongAdder();
  public final LongAdder superseded = new LongAdder();
  public final LongAdder digestMismatches = new LongAdder();
  public final LongAdder goneHints = new LongAdder();

  /** What of the heap is in use. */
  public final MemoryAccount memory;

  /** What threads have caught. */
  public final FailureLog failures;

  public Counters(MemoryAccount memory, FailureLog failures) {
    this.memory = memory;
    this.failures = failures;
  }

  public ServerStatistics snapshot() {
    long closed = connectionsClosed.sum();
    // Read after the closed ones, so that the difference is never negative.
    long opened = connectionsOpened.sum();
    return new Snapshot(
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
        hintsReceived.sum(),
        hintsLost.sum(),
        storeLosses.sum(),
        storeRestored.sum(),
        superseded.sum(),
        digestMismatches.sum(),
        goneHints.sum(),
        refusals.sum(Refusal.Kind.REGISTRATION),
        memory.snapshot());
  }

  private record Snapshot(
      long connections,
      long connectionsOpened,
      long connectionsClosed,
      long connectionsRefused,
      long hellos,
      long uaidsAssigned,
      long takeovers,
      long registers,
      long unregisters,
      long updatesAccepted,
      long updatesCollapsed,
      long updatesRepeated,
      long updatesStale,
      long updatesGone,
      long updatesRefused,
      long updatesSent,
      long updatesResent,
      long updatesAcknowledged,
      long nacks,
      long storeFailures,
      long userAgentsExpired,
      long sleeping,
      long wakeUpsSent,
      long hintsReceived,
      long hintsLost,
      long storeLosses,
      long storeRestored,
      long superseded,
      long digestMismatches,
      long goneHints,
      long registrationsRefused,
      List<MemoryUse> memory)
      implements ServerStatistics {}
}
