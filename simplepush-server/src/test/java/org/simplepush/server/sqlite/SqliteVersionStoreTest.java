package org.simplepush.server.sqlite;

import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.DurableVersionStoreContract;
import org.simplepush.core.VersionStore;

/** The SQLite store keeps the contract of all stores. */
class SqliteVersionStoreTest extends DurableVersionStoreContract {
  @TempDir private Path folder;

  /** Starts just before the overflow of {@link System#nanoTime()}, which a store must survive. */
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000);

  @Override
  protected VersionStore newStore() throws Exception {
    return SqliteVersionStore.open(
        folder.resolve("store.db"), Writer.Limits.DEFAULT, InstantSource.system(), nanos::get);
  }

  @Override
  protected VersionStore reopenedStore() throws Exception {
    return newStore();
  }

  @Override
  protected void advanceTime(Duration duration) {
    nanos.addAndGet(duration.toNanos());
  }

  @Override
  protected int modelSteps() {
    return 4_000;
  }

  @Override
  protected int rounds() {
    return 100;
  }

  /** Four threads at a time: less than what may wait for answers. */
  @Override
  protected int contendingSteps() {
    return 2_000;
  }
}
