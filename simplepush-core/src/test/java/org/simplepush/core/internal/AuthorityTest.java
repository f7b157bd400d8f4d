package org.simplepush.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AuthorityTest {
  @ParameterizedTest
  @CsvSource({
    "ws://push_server, , push_server, -1",
    "ws://push_server:8080/path?query, , push_server, 8080",
    "ws://push_server:/, , push_server, -1",
    "ws://a_b.example.org/, , a_b.example.org, -1",
    "ws://node.2a/, , node.2a, -1",
    "ws://me:secret@push_server:8080, me:secret, push_server, 8080",
    "ws://push.example.org:80/, , push.example.org, 80",
    "ws://me@push.example.org/, me, push.example.org, -1",
    "ws://127.0.0.1:1, , 127.0.0.1, 1",
    "ws://[::1]:2/, , [::1], 2",
  })
  void readsNamesWithUnderscoresToo(String url, String userInfo, String host, int port) {
    assertThat(Authority.of(URI.create(url))).isEqualTo(new Authority(userInfo, host, port));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "relative/path",
        "mailto:me@example.org",
        "ws:///path",
        "ws://a_b:port/",
        "ws://a_b:1:2/",
        "ws://a_b,c_d/",
        "ws://a_b%20c/",
        "ws://a_b:1234567890/",
        "ws://me@/"
      })
  void readsNothingElse(String url) {
    assertThat(Authority.of(URI.create(url))).isNull();
  }

  @Test
  void doesNotShowTheUser() {
    assertThat(Authority.of(URI.create("ws://me:secret@push_server:8080")))
        .hasToString("push_server:8080");
    assertThat(Authority.of(URI.create("ws://me:secret@push_server"))).hasToString("push_server");
  }
}
