package org.simplepush.client.internal.device;

import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives replies on the callback executor. */
final class Replies {
  private static final Logger log = LoggerFactory.getLogger(Replies.class);

  private final Executor callbacks;

  Replies(Executor callbacks) {
    this.callbacks = callbacks;
  }

  <T> void complete(Reply<T> reply, @Nullable T value) {
    run(() -> reply.completed(value));
  }

  <T> void fail(Reply<T> reply, RequestException failure) {
    run(() -> reply.failed(failure));
  }

  /** A reply must be given, even if the user has shut the executor down already. */
  void run(Runnable task) {
    try {
      callbacks.execute(task);
    } catch (RuntimeException | Error e) {
      log.debug("The callback executor takes no more tasks; a reply is given by the loop", e);
      task.run();
    }
  }

  /**
   * Returns what gives the reply when all changes are stored.
   *
   * @param otherwise what is the case if they could not be
   */
  StateSaver.Waiter whenSaved(Reply<Void> reply, String otherwise) {
    return new StateSaver.Waiter() {
      @Override
      public void saved() {
        complete(reply, null);
      }

      @Override
      public void failed(Throwable cause) {
        fail(reply, RequestException.storage(otherwise, cause));
      }
    };
  }
}
