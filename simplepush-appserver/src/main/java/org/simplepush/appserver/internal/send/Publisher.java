package org.simplepush.appserver.internal.send;

import java.net.URI;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import okhttp3.HttpUrl;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.Versions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes versions to endpoints that strangers chose: checks each, and has a {@link Sender} send
 * to those that pass. Thread-safe.
 */
public final class Publisher {
  private static final Logger log = LoggerFactory.getLogger(Publisher.class);

  private final EndpointCheck check;
  private final Sender sender;
  private final CallbackExecutor executor;
  private final int window;

  /**
   * Creates a publisher.
   *
   * @param window how many endpoints of a fan-out may wait for their outcome
   */
  public Publisher(EndpointCheck check, Sender sender, CallbackExecutor executor, int window) {
    this.check = check;
    this.sender = sender;
    this.executor = executor;
    this.window = window;
  }

  /**
   * Publishes one version.
   *
   * @param version 0 or more, or {@link Versions#NONE}
   * @param sink gets the outcome, once; perhaps before this returns
   * @throws IllegalStateException if closed
   */
  public void publish(URI endpoint, long version, Consumer<Outcome> sink) {
    EndpointCheck.Checked checked = check.check(endpoint);
    HttpUrl url = checked.url();
    if (url != null) {
      sender.submit(url, version, sink);
    } else {
      sender.checkOpen(); // as submit does
      sender.refuse(Objects.requireNonNull(checked.refusal()), sink);
    }
  }

  /**
   * Like {@link #publish}, for the items of a fan-out: it bounds its own number, and may go on
   * while the sender drains. When that is closed, the outcome says so.
   */
  public void publishFromFanout(URI endpoint, long version, Consumer<Outcome> sink) {
    EndpointCheck.Checked checked = check.check(endpoint);
    HttpUrl url = checked.url();
    if (url != null) {
      sender.submitFromFanout(url, version, sink);
    } else {
      sender.refuse(Objects.requireNonNull(checked.refusal()), sink);
    }
  }

  /**
   * Begins a fan-out.
   *
   * @param items are pulled by one thread at a time, which may block
   * @param target sends an item by {@link #publishFromFanout}
   * @param listener is called with the outcome of each, one at a time
   * @param end is called when it has ended
   * @throws IllegalStateException if closed
   */
  public <T> void fanOut(
      Iterator<? extends T> items,
      Fanout.Target<T> target,
      Function<T, URI> endpointOf,
      BiConsumer<URI, Outcome> listener,
      Fanout.End end) {
    sender.fanoutBegins();
    new Fanout<>(items, target, endpointOf, listener, end, sender, executor, window).start();
  }

  /** Runs a task that may block. What it throws is logged. */
  public void execute(Runnable task) {
    Runnable contained = () -> Faults.contain(log, "A task of the notifier failed", task);
    try {
      executor.execute(contained);
    } catch (RejectedExecutionException e) {
      log.debug("The executor takes no more tasks; running one inline.", e);
      executor.runInline(contained);
    }
  }
}
