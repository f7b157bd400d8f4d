package org.simplepush.examples.embedspringboot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;
import org.simplepush.server.PushServer;

/**
 * Protocol §8 in a servlet container where a filter looks for form parameters before the endpoints
 * get the request; with a real device and real application servers.
 */
@Timeout(60)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class EndpointServletContract {
  static final String FORM = "Content-Type: application/x-www-form-urlencoded\r\n";
  static final String CHUNKED = "Transfer-Encoding: chunked\r\n";

  /** Higher than every version that these tests publish, lower than any clock. */
  private static final long THE_YEAR_2020 = 1_577_836_800_000L;

  private final BlockingQueue<Long> versions = new LinkedBlockingQueue<>();
  private PushClient device;
  private PushManager calendar;
  URI endpoint;

  /** How many updates the server had accepted before the request that is looked at. */
  private long accepted;

  /** Starts the push server and the container. */
  abstract void start() throws Exception;

  abstract void stop() throws Exception;

  abstract PushServer push();

  abstract int httpPort();

  /** What endpoints have before {@code /update/}. */
  abstract String prefix();

  @BeforeAll
  void startAll() throws Exception {
    start();
    device = PushClient.builder(push().webSocketUri()).build().start();
    calendar = device.application("calendar", message -> versions.add(message.version()));
  }

  @AfterAll
  void stopAll() throws Exception {
    device.close();
    stop();
  }

  @BeforeEach
  void register() throws Exception {
    versions.clear(); // of a test that failed
    endpoint = newEndpoint(prefix());
    accepted = push().statistics().updatesAccepted();
  }

  URI newEndpoint(String prefix) throws Exception {
    String path = calendar.register().get().getRawPath();
    return URI.create(
        "http://127.0.0.1:" + httpPort() + prefix + path.substring(path.indexOf("/update/")));
  }

  @AfterEach
  void nothingElseCame() {
    assertThat(versions).isEmpty();
  }

  static String length(String body) {
    return "Content-Length: " + body.length() + "\r\n";
  }

  RawHttp put(String headers, String body) throws IOException {
    return RawHttp.exchange(httpPort(), "PUT", endpoint.getRawPath(), headers, body);
  }

  RawHttp putForm(String body) throws IOException {
    return put(FORM + length(body), body);
  }

  void assertAccepted(RawHttp answer, long version) throws Exception {
    assertThat(answer.status()).as("status of %s", answer).isEqualTo(200);
    accepted = push().statistics().updatesAccepted();
    assertThat(answer.body()).isEqualTo("{}");
    assertThat(versions.poll(30, TimeUnit.SECONDS)).isEqualTo(version);
  }

  void assertPicked(RawHttp answer) throws Exception {
    assertThat(answer.status()).as("status of %s", answer).isEqualTo(200);
    accepted = push().statistics().updatesAccepted();
    assertThat(versions.poll(30, TimeUnit.SECONDS)).isGreaterThan(THE_YEAR_2020);
  }

  void assertRefused(RawHttp answer, int status) {
    assertThat(answer.status()).as("status of %s", answer).isEqualTo(status);
    assertThat(push().statistics().updatesAccepted()).isEqualTo(accepted);
  }

  @Test
  void versionOfOurNotifier() throws Exception {
    try (Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build()) {
      assertThat(notifier.publish(endpoint, 7).get(30, TimeUnit.SECONDS))
          .isInstanceOf(Verdict.Accepted.class);
      assertThat(versions.poll(30, TimeUnit.SECONDS)).isEqualTo(7);
    }
  }

  @Test
  void versionOfCurl() throws Exception {
    assertThat(curl("-X", "PUT", "-d", "version=7")).isEqualTo("{} 200");
    assertThat(versions.poll(30, TimeUnit.SECONDS)).isEqualTo(7);
    assertThat(curl("-X", "PUT", "-d", "version=8", "-H", "Transfer-Encoding: chunked"))
        .isEqualTo("{} 200");
    assertThat(versions.poll(30, TimeUnit.SECONDS)).isEqualTo(8);
    assertThat(curl("-X", "PUT", "-d", "version=7")).isEqualTo("{\"stale\":true} 200");
    assertThat(curl("-X", "PUT", "-d", "version=abc")).endsWith(" 400");
    assertThat(curl("-X", "PUT", "-d", "data=x")).endsWith(" 400");
    assertThat(curl("-X", "PUT")).isEqualTo("{} 200");
    assertThat(versions.poll(30, TimeUnit.SECONDS)).isGreaterThan(THE_YEAR_2020);
  }

  /** Returns body and status of the answer. */
  private String curl(String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of("curl", "-sS", "-w", " %{http_code}"));
    command.addAll(List.of(options));
    command.add(endpoint.toString());
    Process process;
    try {
      process = new ProcessBuilder(command).redirectErrorStream(true).start();
    } catch (IOException e) {
      assumeTrue(false, "There is no curl here: " + e.getMessage());
      throw e;
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }

  @ParameterizedTest
  @ValueSource(strings = {"version=7", "version=%37", "%76ersion=7", "version=07", "version=7\r\n"})
  void versionInAForm(String body) throws Exception {
    assertAccepted(putForm(body), 7);
  }

  @Test
  void versionInAnyContentTypeOfAForm() throws Exception {
    long version = 1;
    for (String type :
        List.of(
            FORM,
            "Content-Type: Application/X-WWW-Form-UrlEncoded; charset=UTF-8\r\n",
            "content-type: application/x-www-form-urlencoded;charset=iso-8859-1\r\n",
            "Content-Type: text/plain\r\n",
            "")) {
      String body = "version=" + version;
      assertAccepted(put(type + length(body), body), version);
      version++;
    }
  }

  @Test
  void chunkedForm() throws Exception {
    assertAccepted(put(FORM + CHUNKED, "4\r\nvers\r\n5\r\nion=9\r\n0\r\n\r\n"), 9);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version=abc",
        "version=-1",
        "version=9223372036854775808",
        "data=x",
        "version=7&data=x",
        "version=7&version=8",
        "version=7&version=7",
        "version=&version=7",
      })
  void formThatIsNotOneVersion(String body) throws Exception {
    assertRefused(putForm(body), 400);
    assertAccepted(putForm("version=1"), 1);
  }

  @Test
  void versionInTheQuery() throws Exception {
    String path = endpoint.getRawPath() + "?version=7";
    assertRefused(
        RawHttp.exchange(httpPort(), "PUT", path, FORM + length("version=8"), "version=8"), 400);
    assertRefused(RawHttp.exchange(httpPort(), "PUT", path, FORM + length(""), ""), 400);
  }

  @Test
  void anotherContentType() throws Exception {
    assertRefused(put("Content-Type: application/json\r\n" + length("{}"), "{}"), 415);
    String part = "--x\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n7\r\n--x--\r\n";
    assertRefused(
        put("Content-Type: multipart/form-data; boundary=x\r\n" + length(part), part), 415);
  }

  @Test
  void withoutABodyTheServerPicks() throws Exception {
    assertPicked(putForm(""));
    assertPicked(put(length(""), ""));
    assertPicked(put("", ""));
    assertPicked(putForm("version="));
  }

  /** Nobody can tell here whether it was empty on the wire. */
  @Test
  void chunkedFormWithoutAnythingPicksNothing() throws Exception {
    assertRefused(put(FORM + CHUNKED, "0\r\n\r\n"), 500);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "version=", "version=1"})
  void bodyThatBreaksOffPublishesNothing(String body) throws Exception {
    assertThat(put(FORM + "Content-Length: 10\r\n", body).status()).isNotEqualTo(200);
    assertAccepted(putForm("version=1"), 1);
  }

  @Test
  void anotherMethod() throws Exception {
    RawHttp answer =
        RawHttp.exchange(
            httpPort(), "POST", endpoint.getRawPath(), FORM + length("version=7"), "version=7");
    assertRefused(answer, 405);
    assertThat(answer.head()).contains("Allow: PUT, OPTIONS");
  }
}
