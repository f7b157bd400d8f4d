package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A device that says what it is told to, and acknowledges nothing. */
final class RawDevice implements WebSocket.Listener {
  private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
  private final StringBuilder begun = new StringBuilder();
  private final WebSocket socket;

  RawDevice(HttpClient http, URI webSocket) {
    socket = http.newWebSocketBuilder().buildAsync(webSocket, this).join();
  }

  void say(String message) {
    socket.sendText(message, true).join();
  }

  void leave() {
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
  }

  /** Waits for what the server says next; at last that is "closed" and the code. */
  String next() throws InterruptedException {
    String message = heard.poll(20, TimeUnit.SECONDS);
    assertThat(message).as("something from the server").isNotNull();
    return message;
  }

  @Override
  public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
    begun.append(text);
    if (last) {
      heard.add(begun.toString());
      begun.setLength(0);
    }
    socket.request(1);
    return null;
  }

  @Override
  public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
    heard.add("closed " + code);
    return null;
  }
}
