package org.simplepush.client.internal.net;

import static org.assertj.core.api.Assertions.assertThat;

import javax.net.ssl.SSLException;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;

/** Sentences for what no server of {@code ConnectFailureTest} brings about. */
class OkHttpFailureTest {
  @Test
  void tlsThatFailsOtherwiseQuotesWhatItSays() {
    assertThat(
            OkHttpFailure.reason(
                HttpUrl.get("https://push.example.org/"),
                new SSLException("no cipher suites in common"),
                null))
        .isEqualTo("TLS failed: no cipher suites in common");
  }
}
