package org.simplepush.server.internal.node;

import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.DeliveryListener;
import org.simplepush.server.DeliveryListener.Delivered;
import org.simplepush.server.internal.Throttle;
import org.simplepush.server.internal.session.Receipts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports deliveries to the embedder's {@link DeliveryListener} on a thread of their own, so that
 * neither event loops nor the store wait for it. Safe for use by many threads.
 *
 * <p>The thread ends when there has been nothing to report for a second. So what waits when the
 * server is closed is still reported, and then nothing is left.
 */
public final class DeliveryReports implements Receipts {
  /** How many deliveries wait for the listener: some 150 bytes each. */
  static final int MAX_WAITING = 10_000;

  private static final Logger log = LoggerFactory.getLogger(DeliveryReports.class);
  private static final int QUIET_SECONDS = 60;

  private final DeliveryListener listener;
  private final InstantSource clock;
  private final ThreadPoolExecutor thread;
  private final LongAdder lost = new LongAdder();
  private final Throttle lossWarnings = new Throttle(QUIET_SECONDS, System::nanoTime);
  private final Throttle failureWarnings = new Throttle(QUIET_SECONDS, System::nanoTime);

  /**
   * Makes reports to a listener.
   *
   * @param name what the name of the thread begins with
   */
  public DeliveryReports(DeliveryListener listener, InstantSource clock, String name) {
    this.listener = listener;
    this.clock = clock;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            1,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_WAITING),
            DaemonThreads.named(name + "-deliveries"),
            (task, full) -> lose());
    thread.allowCoreThreadTimeOut(true);
  }

  @Override
  public void acknowledged(Uaid uaid, Ack ack, List<Update> cleared) {
    if (cleared.isEmpty()) {
      return;
    }
    Map<ChannelId, Integer> codes = codes(ack, cleared);
    for (Update update : cleared) {
      int code = codes.getOrDefault(update.channelId(), Ack.HANDLED);
      if (Ack.isDelivered(code)) {
        Delivered delivered =
            new Delivered(uaid, update.channelId(), update.version(), code, clock.instant());
        thread.execute(() -> report(delivered));
      }
    }
  }

  /** The codes of the entries that cleared something: of each channel the first that could. */
  private static Map<ChannelId, Integer> codes(Ack ack, List<Update> cleared) {
    if (ack.codes().isEmpty()) {
      return Map.of();
    }
    Map<ChannelId, Long> versions = new HashMap<>();
    cleared.forEach(update -> versions.put(update.channelId(), update.version()));
    Map<ChannelId, Integer> codes = new HashMap<>();
    for (int i = 0; i < ack.updates().size(); i++) {
      Update entry = ack.updates().get(i);
      Long version = versions.get(entry.channelId());
      if (version != null && version <= entry.version()) {
        codes.putIfAbsent(entry.channelId(), ack.code(i));
      }
    }
    return codes;
  }

  private void report(Delivered delivered) {
    try {
      listener.onDelivered(delivered);
    } catch (Throwable e) { // whatever it is, it must not keep back the next report
      if (failureWarnings.tryPass()) {
        log.warn("The delivery listener has failed; the next delivery is reported", e);
      }
    }
  }

  private void lose() {
    lost.increment();
    if (lossWarnings.tryPass()) {
      log.warn(
          "The delivery listener is too slow: {} deliveries wait, and further ones are not reported"
              + " ({} so far)",
          MAX_WAITING,
          lost.sum());
    }
  }
}
