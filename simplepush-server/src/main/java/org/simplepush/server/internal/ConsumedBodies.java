package org.simplepush.server.internal;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports updates that had to be refused because their bodies were consumed on the way (protocol
 * §8): the first, and then at most one a minute, because every update is hit. Safe for use by many
 * threads.
 */
public final class ConsumedBodies {
  private static final Logger log = LoggerFactory.getLogger(ConsumedBodies.class);

  private static final int QUIET_SECONDS = 60;

  private final LongAdder count = new LongAdder();
  private final Throttle throttle;

  ConsumedBodies(LongSupplier nanoTime) {
    throttle = new Throttle(QUIET_SECONDS, nanoTime);
  }

  /** Notes one; returns whether it was logged. */
  public boolean report() {
    count.increment();
    if (!throttle.tryPass()) {
      return false;
    }
    log.error(
        "An update was refused with 500 ({} so far): its body was announced, but there was nothing"
            + " to read. Probably a filter in front of the endpoints has read it, such as one that"
            + " calls getParameter or logs bodies. Exclude the path of the endpoints (…/update/*)"
            + " from that filter, or let it pass on a request whose body can be read again. If no"
            + " body was meant, the sender has to say so over HTTP/2, too: Content-Length: 0",
        count.sum());
    return true;
  }
}
