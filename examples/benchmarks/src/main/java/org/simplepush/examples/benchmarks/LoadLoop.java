package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.CancelledKeyException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;

/**
 * One thread that serves its own devices and PUT connections. The PUTs of a loop go to channels of
 * its own devices, so loops share nothing.
 */
final class LoadLoop implements AutoCloseable {
  /** No message of a push server is longer. */
  private static final int MAX_MESSAGE = 256 * 1024;

  final Selector selector;
  final Failures failures;

  /** Used by the connection that reads at the moment. */
  final ByteBuffer in = ByteBuffer.allocate(MAX_MESSAGE);

  /** The same, of what is encrypted. */
  final ByteBuffer records = ByteBuffer.allocate(MAX_MESSAGE / 2);

  final Wire wire = new Wire();
  final MessageScanner scanner = new MessageScanner();
  final ResponseReader responses = new ResponseReader();
  Meter meter = new Meter();

  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Thread thread;
  private volatile boolean closed;

  /** Runs after every turn; confined to the loop. */
  private Runnable eachTurn = () -> {};

  LoadLoop(int number, Failures failures) throws IOException {
    this.selector = Selector.open();
    this.failures = failures;
    this.thread = new Thread(this::run, "load-" + number);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /** Runs a task on the loop. */
  void execute(Runnable task) {
    tasks.add(task);
    selector.wakeup();
  }

  /** Runs a task on the loop and waits for what it returns. */
  <T> T call(Supplier<T> task) {
    CompletableFuture<T> result = new CompletableFuture<>();
    execute(
        () -> {
          try {
            result.complete(task.get());
          } catch (RuntimeException e) {
            result.completeExceptionally(e);
          }
        });
    return result.join();
  }

  /** Sets what runs after every turn; on the loop only. */
  void eachTurn(Runnable task) {
    eachTurn = task;
  }

  /** Begins a new interval and returns the figures of the one before; on the loop only. */
  Meter nextMeter() {
    Meter before = meter;
    meter = new Meter();
    return before;
  }

  private void run() {
    try (selector) {
      while (!closed) {
        selector.select(
            key -> {
              try {
                ((Peer) key.attachment()).ready(key);
              } catch (CancelledKeyException e) {
                // The peer closed itself while an earlier key of this turn was served.
              }
            });
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
        eachTurn.run();
      }
      for (SelectionKey key : selector.keys()) {
        ((Peer) key.attachment()).reset();
      }
    } catch (IOException | RuntimeException e) {
      failures.fatal("The load program itself failed: " + e);
    }
    for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run(); // so that its caller does not wait in vain
    }
  }

  /** Ends the thread and every connection. */
  @Override
  public void close() {
    closed = true;
    selector.wakeup();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
