package org.simplepush.server;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.function.ToDoubleFunction;

/**
 * Shows the {@link ServerStatistics} of a server in a Micrometer registry, under {@code
 * simplepush.} and the name of each. What moves which number is said there.
 *
 * <p>Needs micrometer-core, an optional dependency of this module.
 */
@SuppressWarnings("exports") // who uses this class has that module
public final class PushServerMetrics implements MeterBinder {
  private final PushServer server;

  /** Metrics of one server; two servers need a registry with a tag that tells them apart. */
  public PushServerMetrics(PushServer server) {
    this.server = server;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    Gauge.builder("simplepush.connections", server, s -> s.statistics().connections())
        .description("WebSocket connections open now")
        .strongReference(true)
        .register(registry);
    Gauge.builder("simplepush.sleeping", server, s -> s.statistics().sleeping())
        .description("Devices asleep now until a datagram wakes them")
        .strongReference(true)
        .register(registry);
    count(registry, "connections.opened", ServerStatistics::connectionsOpened);
    count(registry, "connections.refused", ServerStatistics::connectionsRefused);
    count(registry, "hellos", ServerStatistics::hellos);
    count(registry, "uaids.assigned", ServerStatistics::uaidsAssigned);
    count(registry, "takeovers", ServerStatistics::takeovers);
    count(registry, "registers", ServerStatistics::registers);
    count(registry, "unregisters", ServerStatistics::unregisters);
    count(registry, "updates.accepted", ServerStatistics::updatesAccepted);
    count(registry, "updates.repeated", ServerStatistics::updatesRepeated);
    count(registry, "updates.stale", ServerStatistics::updatesStale);
    count(registry, "updates.gone", ServerStatistics::updatesGone);
    count(registry, "updates.refused", ServerStatistics::updatesRefused);
    count(registry, "updates.sent", ServerStatistics::updatesSent);
    count(registry, "updates.resent", ServerStatistics::updatesResent);
    count(registry, "updates.acknowledged", ServerStatistics::updatesAcknowledged);
    count(registry, "nacks", ServerStatistics::nacks);
    count(registry, "store.failures", ServerStatistics::storeFailures);
    count(registry, "user.agents.expired", ServerStatistics::userAgentsExpired);
    count(registry, "wake.ups.sent", ServerStatistics::wakeUpsSent);
    count(registry, "words.heard", ServerStatistics::wordsHeard);
    count(registry, "words.lost", ServerStatistics::wordsLost);
  }

  private void count(
      MeterRegistry registry, String name, ToDoubleFunction<ServerStatistics> number) {
    FunctionCounter.builder("simplepush." + name, server, s -> number.applyAsDouble(s.statistics()))
        .register(registry);
  }
}
