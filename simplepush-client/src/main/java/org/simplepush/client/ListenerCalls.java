package org.simplepush.client;

import java.time.Duration;
import java.util.concurrent.Executor;
import org.simplepush.client.internal.Failures;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.internal.device.Device;
import org.simplepush.client.internal.run.SerialExecutor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Calls a {@link ConnectionListener}, one call at a time. */
final class ListenerCalls implements Device.Listener {
  private static final Logger log = LoggerFactory.getLogger(ListenerCalls.class);

  private final ConnectionListener listener;
  private final Executor calls;

  /**
   * @param callbacks runs the listener
   */
  ListenerCalls(ConnectionListener listener, Executor callbacks) {
    this.listener = listener;
    this.calls = new SerialExecutor(callbacks);
  }

  @Override
  public void connected() {
    call(listener::onConnected);
  }

  @Override
  public void disconnected(Disconnected event) {
    ConnectionListener.Disconnected translated =
        new ConnectionListener.Disconnected(
            event.closeCode(), event.reason(), event.failures(), event.retryIn(), event.cause());
    call(() -> listener.onDisconnected(translated));
  }

  @Override
  public void sleeping(Duration atMost) {
    call(() -> listener.onAsleep(atMost));
  }

  private void call(Runnable call) {
    try {
      calls.execute(
          () -> {
            try {
              call.run();
            } catch (Throwable e) {
              Failures.warn(
                  "The connection listener " + listener.getClass().getName() + " threw", e);
            }
          });
    } catch (RuntimeException | Error e) {
      log.debug("The callback executor takes no more tasks; the listener is not called", e);
    }
  }
}
