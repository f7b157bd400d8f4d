package org.simplepush.appserver;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * Shows the {@link NotifierStatistics} of a notifier in a Micrometer registry. What each number
 * counts is said there. No meter names a host, because strangers decide how many hosts there are.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><th>name</th><th>kind</th><th>of the statistics</th></tr>
 *   <tr><td>simplepush.notifier.waiting</td><td>gauge</td><td>waiting</td></tr>
 *   <tr><td>simplepush.notifier.on.wire</td><td>gauge</td><td>onWire</td></tr>
 *   <tr><td>simplepush.notifier.hosts.paused</td><td>gauge</td><td>hostsPaused</td></tr>
 *   <tr><td>simplepush.notifier.calls</td><td>counter</td><td>calls</td></tr>
 *   <tr><td>simplepush.notifier.collapsed</td><td>counter</td><td>collapsed</td></tr>
 *   <tr><td>simplepush.notifier.requests</td><td>timer</td><td>requests, requestTime</td></tr>
 *   <tr><td>simplepush.notifier.retries</td><td>counter</td><td>retries</td></tr>
 *   <tr><td>simplepush.notifier.host.pauses</td><td>counter</td><td>hostPauses</td></tr>
 *   <tr><td>simplepush.notifier.verdicts</td><td>counter, tag {@code verdict}</td>
 *       <td>accepted, gone, rejected, refused, failed</td></tr>
 *   <tr><td>simplepush.notifier.stale</td><td>counter</td><td>stale</td></tr>
 * </table>
 *
 * <p>Needs micrometer-core, an optional dependency of this module.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // who uses this class has that module
public final class NotifierMetrics implements MeterBinder {
  private static final String PREFIX = "simplepush.notifier.";

  private final Notifier notifier;

  /** Metrics of one notifier; two notifiers in one registry need a tag of their own each. */
  public NotifierMetrics(Notifier notifier) {
    this.notifier = notifier;
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(
        registry,
        "waiting",
        NotifierStatistics::waiting,
        "Endpoints with a version on the wire or waiting for it");
    gauge(registry, "on.wire", NotifierStatistics::onWire, "Requests under way");
    gauge(
        registry,
        "hosts.paused",
        NotifierStatistics::hostsPaused,
        "Hosts being left alone because they fail");
    count(
        registry,
        "calls",
        NotifierStatistics::calls,
        "Calls of publish, and endpoints of publishAll");
    count(
        registry,
        "collapsed",
        NotifierStatistics::collapsed,
        "Calls that caused no request of their own because another does for them");
    count(
        registry, "retries", NotifierStatistics::retries, "Requests after the first for a version");
    count(
        registry,
        "host.pauses",
        NotifierStatistics::hostPauses,
        "Times a host was left alone because it failed even one request at a time");
    FunctionTimer.builder(
            PREFIX + "requests",
            notifier,
            n -> n.statistics().requests(),
            n -> n.statistics().requestTime().toNanos(),
            TimeUnit.NANOSECONDS)
        .description("Requests sent and ended, retries included")
        .register(registry);
    count(
        registry,
        "stale",
        NotifierStatistics::stale,
        "Accepted calls whose endpoint had reached a higher version");
    verdicts(registry, "accepted", NotifierStatistics::accepted);
    verdicts(registry, "gone", NotifierStatistics::gone);
    verdicts(registry, "rejected", NotifierStatistics::rejected);
    verdicts(registry, "refused", NotifierStatistics::refused);
    verdicts(registry, "failed", NotifierStatistics::failed);
  }

  private void gauge(
      MeterRegistry registry,
      String name,
      ToDoubleFunction<NotifierStatistics> number,
      String description) {
    Gauge.builder(PREFIX + name, notifier, n -> number.applyAsDouble(n.statistics()))
        .description(description)
        .strongReference(true)
        .register(registry);
  }

  private void count(
      MeterRegistry registry,
      String name,
      ToDoubleFunction<NotifierStatistics> number,
      String description) {
    FunctionCounter.builder(PREFIX + name, notifier, n -> number.applyAsDouble(n.statistics()))
        .description(description)
        .register(registry);
  }

  private void verdicts(
      MeterRegistry registry, String verdict, ToDoubleFunction<NotifierStatistics> number) {
    FunctionCounter.builder(
            PREFIX + "verdicts", notifier, n -> number.applyAsDouble(n.statistics()))
        .description("Calls by their verdict")
        .tag("verdict", verdict)
        .register(registry);
  }
}
