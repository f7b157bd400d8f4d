package org.simplepush.server.internal.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.Uaid;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestRequest;
import org.simplepush.server.fixtures.TestWire;
import org.simplepush.server.internal.EndpointTokens;

/** Protocol §8: every row of the table. */
@Timeout(10)
class VersionEndpointTest extends SessionFixture {
  private static final String FORM = "application/x-www-form-urlencoded";
  private static final String ORIGIN = "https://app.example.org";

  private TestWire device;
  private String path;
  private Instant time = Instant.ofEpochMilli(1_700_000_000_123L);
  private long nanos;
  private VersionEndpoint handler;

  @BeforeEach
  void registerAChannel() {
    device = resumes();
    path = register(device, CHANNEL).substring("https://push.example.org".length());
    handler = handler(RateLimit.UNLIMITED, Set.of());
  }

  private VersionEndpoint handler(int rateLimit, Set<String> origins) {
    VersionEndpoint made = notOpen(rateLimit, origins);
    made.open();
    return made;
  }

  private VersionEndpoint notOpen(int rateLimit, Set<String> origins) {
    RateLimit limit = new RateLimit(rateLimit, Duration.ofSeconds(10), () -> nanos);
    return new VersionEndpoint(store, tokens, registry, limit, origins, () -> time, counters);
  }

  private static EndpointHandler.Request request(
      String method, String path, String query, String contentType, String origin, String body) {
    return TestRequest.of(method, path, query, contentType, origin, body);
  }

  private CompletableFuture<EndpointHandler.Response> ask(EndpointHandler.Request request) {
    CompletableFuture<EndpointHandler.Response> answer =
        handler.handle(request).toCompletableFuture();
    device.turn();
    return answer;
  }

  private EndpointHandler.Response put(String body) {
    return ask(request("PUT", path, null, FORM, null, body)).join();
  }

  private void refused(EndpointHandler.Response response, int status) {
    assertThat(response.status()).isEqualTo(status);
    assertThat(response.headers()).containsEntry("Content-Type", "application/json");
    assertThat(response.body())
        .matches("\\{\"status\":" + status + ",\"error\":\"[^\"\\\\]+\"}")
        .isASCII();
    assertThat(response.body()).doesNotContain(path.substring(path.lastIndexOf('/') + 1));
    device.hearsNothing();
    assertThat(pending()).isEmpty();
  }

  private void accepted(EndpointHandler.Response response) {
    assertThat(response.body()).isEqualTo("{}");
    ok(response);
  }

  private void stale(EndpointHandler.Response response) {
    assertThat(response.body()).isEqualTo("{\"stale\":true}");
    ok(response);
  }

  private static void ok(EndpointHandler.Response response) {
    assertThat(response.status()).isEqualTo(200);
    assertThat(response.headers()).isEqualTo(Map.of("Content-Type", "application/json"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "version=0|0",
        "version=7|7",
        "version=9223372036854775807|9223372036854775807",
        "version=007|7",
        "version=999999999999999999|999999999999999999",
        "version=%37|7",
        "%76ersion=7|7",
        "version%3D=7|-",
        "&version=7&|7",
      })
  void versionsInAForm(String body, String version) {
    EndpointHandler.Response response = put(body);
    if (version.equals("-")) {
      refused(response, 400);
    } else {
      accepted(response);
      device.hears(notification(CHANNEL, Long.parseLong(version)));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"\n", "\r\n", "\n\n"})
  void lineEndAfterTheVersionIsPassedOver(String end) {
    accepted(put("version=7" + end));
    device.hears(notification(CHANNEL, 7));
  }

  @Test
  void versionThatIsNotHigherIs200AndNotDelivered() {
    accepted(put("version=7"));
    device.hears(notification(CHANNEL, 7));
    accepted(put("version=7")); // a retry
    stale(put("version=6"));
    stale(put("version=0"));
    device.hearsNothing();
    assertThat(counters.updatesRepeated.sum()).isEqualTo(1);
    assertThat(counters.updatesStale.sum()).isEqualTo(2);
    assertThat(counters.updatesAccepted.sum()).isEqualTo(1);
  }

  @Test
  void onlyWhatReplacesAPendingVersionCollapses() {
    accepted(put("version=7"));
    accepted(put("version=8"));
    assertThat(counters.updatesCollapsed.sum()).isEqualTo(1);
    device.says(ack(CHANNEL, 8));
    accepted(put("version=9"));
    assertThat(counters.updatesCollapsed.sum()).isEqualTo(1);
  }

  @Test
  void poisonedEndpointSaysSo() {
    accepted(put("version=9223372036854775807"));
    device.hears(notification(CHANNEL, Long.MAX_VALUE));
    device.says(ack(CHANNEL, Long.MAX_VALUE));
    stale(put("version=8"));
    accepted(put("version=9223372036854775807"));
    device.hearsNothing();
  }

  @Test
  void updateOfADeviceThatIsAwayIs200AndKept() {
    device.breaksOff();
    accepted(put("version=7"));
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }

  @Test
  void answerIsSentOnlyWhenTheStoreHasAnsweredAndTheDeviceIsToldThen() {
    store.hold();
    CompletableFuture<EndpointHandler.Response> answer =
        ask(request("PUT", path, null, FORM, null, "version=7"));
    DelayedStore.Step<?> advance = store.next("advance");
    advance.takesEffect();
    assertThat(answer).isNotDone();
    device.hearsNothing();
    advance.answers();
    accepted(answer.join());
    device.turn();
    device.hears(notification(CHANNEL, 7));
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(
      strings = {
        FORM,
        "APPLICATION/X-WWW-FORM-URLENCODED",
        FORM + "; charset=UTF-8",
        FORM + ";charset=iso-8859-1",
        "text/plain",
        "text/plain;charset=UTF-8",
        " text/plain ",
        ""
      })
  void contentTypesThatRealSendersUse(String contentType) {
    accepted(ask(request("PUT", path, null, contentType, null, "version=7")).join());
    device.hears(notification(CHANNEL, 7));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/json",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "text/html",
        "text/plainer",
        "x"
      })
  void anotherContentTypeIs415(String contentType) {
    refused(ask(request("PUT", path, null, contentType, null, "version=7")).join(), 415);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\n",
        "&",
        "&&\n",
        "version=",
        "version=\n",
        "version",
        "&version=&",
        "%76ersion="
      })
  void withoutAVersionTheServerPicksTheTimeInMilliseconds(String body) {
    accepted(put(body));
    device.hears(notification(CHANNEL, 1_700_000_000_123L));
  }

  @Test
  void withoutAVersionAndAHigherLastOneTheServerPicksTheNext() {
    accepted(put(""));
    accepted(put("")); // in the same millisecond
    device.hears(notification(CHANNEL, 1_700_000_000_123L));
    device.hears(notification(CHANNEL, 1_700_000_000_124L));
    time = time.plusMillis(1000);
    accepted(put(""));
    device.hears(notification(CHANNEL, 1_700_000_001_123L));
    accepted(put("version=1900000000000"));
    accepted(put(""));
    device.hears(notification(CHANNEL, 1_900_000_000_000L));
    device.hears(notification(CHANNEL, 1_900_000_000_001L));
  }

  @Test
  void withoutAVersionAfterTheHighestNothingCanBePicked() {
    accepted(put("version=9223372036854775807"));
    device.hears(notification(CHANNEL, Long.MAX_VALUE));
    stale(put(""));
    device.hearsNothing();
  }

  @Test
  void clockBefore1970PicksZero() {
    time = Instant.EPOCH.minusSeconds(1);
    accepted(put(""));
    device.hears(notification(CHANNEL, 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version=-1",
        "version=+7",
        "version= 7",
        "version=%207",
        "version=7 ",
        "version=7+",
        "version=\n7",
        "version=7.0",
        "version=1e3",
        "version=0x7",
        "version=seven",
        "version=9223372036854775808",
        "version=99999999999999999999999999999999999999999999999999999",
        "version=٧",
        "version=7;version=8",
        "version=7&version=7",
        "version=7&version=8",
        "version=&version=",
        "version=&version=7",
        "version=7&version=",
        "version=&data=x",
        "version&data",
        "version=%20",
        "=",
        "version=7&data=x",
        "data=x",
        "data=",
        "Version=7",
        "7",
        "=7",
        "{\"version\":7}",
        "version=%",
        "version=%3",
        "version=%zz",
        "%=7"
      })
  void anythingButOneVersionInPlainDigitsIs400(String body) {
    refused(put(body), 400);
    assertThat(counters.updatesRefused.sum()).isEqualTo(1);
  }

  @Test
  void bodyThatIsNotUtf8Is400() {
    byte[] body = {'v', (byte) 0xff};
    refused(ask(TestRequest.of("PUT", path, null, FORM, null, body)).join(), 400);
  }

  private EndpointHandler.Response consumed(String contentType, Map<String, List<String>> form) {
    TestRequest request = TestRequest.of("PUT", path, null, contentType, null, "");
    return ask(request.consumed(form)).join();
  }

  @Test
  void bodyThatAFilterHasReadGivesItsVersion() {
    accepted(consumed(FORM, Map.of("version", List.of("7"))));
    device.hears(notification(CHANNEL, 7));
    accepted(consumed(FORM, Map.of("version", List.of("8\r\n"))));
    device.hears(notification(CHANNEL, 8));
    stale(consumed(FORM, Map.of("version", List.of("7"))));
  }

  @Test
  void bodyThatAFilterHasReadWithAnEmptyVersionHasNone() {
    accepted(consumed(FORM, Map.of("version", List.of(""))));
    device.hears(notification(CHANNEL, 1_700_000_000_123L));
  }

  @Test
  void bodyThatAFilterHasReadIsCheckedLikeAnyOther() {
    for (String value : List.of("abc", "-1", " 7", "7 ", "9223372036854775808", "0".repeat(5000))) {
      refused(consumed(FORM, Map.of("version", List.of(value))), 400);
    }
    refused(consumed(FORM, Map.of("version", List.of("7", "7"))), 400);
    refused(consumed(FORM, Map.of("version", List.of("", ""))), 400);
    refused(consumed(FORM, Map.of("data", List.of("x"))), 400);
    refused(consumed(FORM, Map.of("version", List.of("7"), "data", List.of("x"))), 400);
    refused(consumed(FORM, Map.of("_method", List.of("PUT"), "version", List.of("7"))), 400);
    refused(consumed("multipart/form-data; boundary=x", Map.of("version", List.of("7"))), 415);
    TestRequest query = TestRequest.of("PUT", path, "version=7", FORM, null, "");
    refused(ask(query.consumed(Map.of("version", List.of("7")))).join(), 400);
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {FORM, "text/plain"})
  void bodyThatIsGoneIs500AndNothingIsPicked(String contentType) {
    refused(consumed(contentType, Map.of()), 500);
    assertThat(counters.updatesRefused.sum()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"version=7", ""})
  void queryIs400(String query) {
    refused(ask(request("PUT", path, query, FORM, null, "version=7")).join(), 400);
    refused(ask(request("PUT", path, query, FORM, null, "")).join(), 400);
  }

  @Test
  void bodyOver4KiBIs413() {
    char[] padding = new char[handler.bodyLimit()];
    Arrays.fill(padding, '&');
    String body = "version=7" + new String(padding);
    refused(put(body.substring(0, handler.bodyLimit() + 1)), 413);
    accepted(put(body.substring(0, handler.bodyLimit())));
    device.hears(notification(CHANNEL, 7));
  }

  @ParameterizedTest
  @ValueSource(strings = {"abcdefgh7", "versionx7", "Version=7", "version:7", "_ersion=7"})
  void whatOnlyLooksLikeAVersionIs400(String body) {
    refused(put(body), 400);
    device.hearsNothing();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\n", "version=", "version=7", "version=123456789012345678"})
  void bodyMayStandAnywhereInItsBuffer(String text) {
    byte[] bytes = ("version=99&" + text + "99").getBytes(StandardCharsets.US_ASCII);
    ByteBuffer body = ByteBuffer.wrap(bytes, 11, text.length());
    EndpointHandler.Response expected = put(text);
    assertThat(ask(withBody(body)).join()).isEqualTo(expected);
  }

  @Test
  void bodyBufferIsLeftAsItWas() {
    ByteBuffer body = ByteBuffer.wrap("xversion=7x".getBytes(StandardCharsets.US_ASCII), 1, 9);
    accepted(ask(withBody(body)).join());
    device.hears(notification(CHANNEL, 7));
    assertThat(body.remaining()).isEqualTo(9);
    accepted(ask(withBody(body.asReadOnlyBuffer())).join());
  }

  private TestRequest withBody(ByteBuffer body) {
    return new TestRequest("PUT", path, null, Map.of(), body, false, Map.of());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "",
        "/update",
        "/update/",
        "/update/x",
        "/other",
        "/update/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
      })
  void tokenNeverIssuedIs404(String other) {
    refused(ask(request("PUT", other, null, FORM, null, "version=7")).join(), 404);
  }

  @Test
  void tokenTamperedWithIs404() {
    int last = path.length() - 1;
    char other = path.charAt(last) == 'A' ? 'B' : 'A';
    String tampered = path.substring(0, last) + other;
    refused(ask(request("PUT", tampered, null, FORM, null, "version=7")).join(), 404);
    refused(ask(request("PUT", path + "/", null, FORM, null, "version=7")).join(), 404);
    refused(ask(request("PUT", path + "/x", null, FORM, null, "version=7")).join(), 404);
  }

  @Test
  void tokenOfAnotherServerIs404() {
    String foreign =
        new SessionFixture().tokens.seal(Uaid.parse(UAID), updateOf(CHANNEL, 0).channelId());
    refused(ask(request("PUT", "/update/" + foreign, null, FORM, null, "version=7")).join(), 404);
  }

  @Test
  void endpointWorksUnderAPrefixOfTheUsersServer() {
    accepted(ask(request("PUT", "/push/v1" + path, null, FORM, null, "version=7")).join());
    device.hears(notification(CHANNEL, 7));
  }

  @Test
  void channelThatIsGoneIs410() {
    device.says(unregister(CHANNEL));
    device.hears(unregistered(CHANNEL));
    refused(put("version=7"), 410);
    refused(put(""), 410);
    assertThat(counters.updatesGone.sum()).isEqualTo(2);
  }

  @Test
  void userAgentThatIsGoneIs410() {
    device.breaksOff();
    drop(UAID);
    EndpointHandler.Response response = put("version=7");
    assertThat(response.status()).isEqualTo(410);
    assertThat(isKnown(UAID)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "POST", "HEAD", "DELETE", "PATCH", "put", "TRACE", "X"})
  void anotherMethodIs405AndTellsWhichAreAllowed(String method) {
    EndpointHandler.Response response =
        ask(request(method, path, null, FORM, null, "version=7")).join();
    refused(response, 405);
    assertThat(response.headers()).containsEntry("Allow", "PUT, OPTIONS");
  }

  @Test
  void overTheRateLimitIs429WithRetryAfterAndChangesNothing() {
    handler = handler(2, Set.of());
    accepted(put("version=1"));
    accepted(put("version=2"));
    device.heardAll();
    device.says(ack(CHANNEL, 2));
    nanos += Duration.ofSeconds(4).toNanos();
    EndpointHandler.Response response = put("version=3");
    refused(response, 429);
    assertThat(response.headers()).containsEntry("Retry-After", "6");
    nanos += Duration.ofSeconds(6).toNanos();
    accepted(put("version=3"));
  }

  @Test
  void refusedRequestsDoNotUseUpTheRateLimit() {
    handler = handler(1, Set.of());
    for (int i = 0; i < 5; i++) {
      refused(put("version=x"), 400);
    }
    accepted(put("version=1"));
  }

  private void unavailable(EndpointHandler.Response response) {
    assertThat(response.status()).isEqualTo(503);
    assertThat(response.body()).startsWith("{\"status\":503,\"error\":");
    assertThat(Integer.parseInt(response.headers().get("Retry-After"))).isPositive();
    device.hearsNothing();
  }

  @Test
  void storeFailureIs503AndTheUpdateIsNotDelivered() {
    store.hold();
    CompletableFuture<EndpointHandler.Response> answer =
        ask(request("PUT", path, null, FORM, null, "version=7"));
    store.next("advance").fails();
    unavailable(answer.join());
    assertThat(counters.storeFailures.sum()).isEqualTo(1);
    CompletableFuture<EndpointHandler.Response> next =
        ask(request("PUT", path, null, FORM, null, ""));
    store.next("advanceToNext").fails();
    unavailable(next.join());
  }

  @Test
  void storeThatThrowsIs503() {
    store.throwAtOnce(DelayedStore.away());
    unavailable(put("version=7"));
    unavailable(put(""));
  }

  @Test
  void closedStoreIs503() {
    memory.close();
    store.failAtOnce(DelayedStore.away());
    unavailable(put("version=7"));
  }

  @Test
  void beforeStartAndAfterCloseEverythingIs503() {
    handler = notOpen(RateLimit.UNLIMITED, Set.of());
    unavailable(put("version=7"));
    handler.open();
    accepted(put("version=7"));
    device.hears(notification(CHANNEL, 7));
    handler.close();
    unavailable(put("version=8"));
    unavailable(ask(request("GET", "/", null, null, null, "")).join());
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 7));
  }

  @Test
  void answersSayThatTheyAreTheLastWhileTheServerCloses() {
    assertThat(put("version=1").headers()).doesNotContainKey("Connection");
    store.hold();
    CompletableFuture<EndpointHandler.Response> begunBefore =
        ask(request("PUT", path, null, FORM, null, "version=2"));
    DelayedStore.Step<?> step = store.next("advance");
    handler.drain();
    step.takesEffect();
    step.answers();
    assertThat(begunBefore.join().status()).isEqualTo(200);
    assertThat(begunBefore.join().headers()).containsEntry("Connection", "close");
    EndpointHandler.Response refused = put("version=x");
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.headers()).containsEntry("Connection", "close");
    handler.close();
    EndpointHandler.Response closed = put("version=3");
    assertThat(closed.status()).isEqualTo(503);
    assertThat(closed.headers()).containsEntry("Connection", "close").containsKey("Retry-After");
  }

  @Test
  void optionsTellsTheMethodsAndNothingOfOriginsUnlessConfigured() {
    EndpointHandler.Response response =
        ask(request("OPTIONS", path, null, null, ORIGIN, "")).join();
    assertThat(response.status()).isEqualTo(204);
    assertThat(response.body()).isEmpty();
    assertThat(response.headers()).isEqualTo(Map.of("Allow", "PUT, OPTIONS"));
  }

  @Test
  void corsIsOffUnlessConfigured() {
    EndpointHandler.Response response =
        ask(request("PUT", path, null, FORM, ORIGIN, "version=7")).join();
    accepted(response);
  }

  @Test
  void configuredOriginMayNotifyFromABrowser() {
    handler = handler(RateLimit.UNLIMITED, Set.of(ORIGIN));
    EndpointHandler.Response preflight =
        ask(request("OPTIONS", path, null, null, ORIGIN, "")).join();
    assertThat(preflight.status()).isEqualTo(204);
    assertThat(preflight.headers())
        .containsEntry("Access-Control-Allow-Origin", ORIGIN)
        .containsEntry("Access-Control-Allow-Methods", "PUT, OPTIONS")
        .containsEntry("Access-Control-Allow-Headers", "Content-Type")
        .containsEntry("Vary", "Origin");
    assertThat(ask(request("PUT", path, null, FORM, ORIGIN, "version=7")).join().headers())
        .containsEntry("Access-Control-Allow-Origin", ORIGIN);
    assertThat(ask(request("PUT", path, null, FORM, ORIGIN, "x")).join().headers())
        .containsEntry("Access-Control-Allow-Origin", ORIGIN); // the page may see the error
  }

  @ParameterizedTest
  @NullSource
  @ValueSource(strings = {"https://evil.example.org", "http://app.example.org", "null", "*"})
  void otherOriginsMayNot(String origin) {
    handler = handler(RateLimit.UNLIMITED, Set.of(ORIGIN));
    assertThat(ask(request("OPTIONS", path, null, null, origin, "")).join().headers().keySet())
        .containsExactly("Allow");
  }

  @Test
  void starAllowsAnyOrigin() {
    handler = handler(RateLimit.UNLIMITED, Set.of("*"));
    assertThat(ask(request("OPTIONS", path, null, null, ORIGIN, "")).join().headers())
        .containsEntry("Access-Control-Allow-Origin", ORIGIN);
  }

  @Test
  void theTokenIsWhatTheStoreIsAskedFor() {
    String token = path.substring(path.lastIndexOf('/') + 1);
    assertThat(Base64.getUrlDecoder().decode(token)).hasSize(48);
    assertThat(List.of(tokens.open(token)))
        .containsExactly(
            new EndpointTokens.Channel(Uaid.parse(UAID), updateOf(CHANNEL, 0).channelId()));
  }
}
