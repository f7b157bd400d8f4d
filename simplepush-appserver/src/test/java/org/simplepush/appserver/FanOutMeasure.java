package org.simplepush.appserver;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import okhttp3.Call;
import okhttp3.Callback;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.simplepush.appserver.testing.Device;
import org.simplepush.server.PushServer;

/**
 * Measures {@code publishAll} next to plain OkHttp, on 10,000 endpoints of the real server in this
 * process. Not a test: run it on a quiet machine.
 */
final class FanOutMeasure {
  private static final int ENDPOINTS = 10_000;
  private static final MediaType FORM = MediaType.get("application/x-www-form-urlencoded");

  private FanOutMeasure() {}

  private interface Way {
    void publish(List<URI> endpoints, long version) throws Exception;
  }

  public static void main(String[] args) throws Exception {
    try (PushServer server = PushServer.builder().port(0).endpointPort(0).build().start();
        Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build()) {
      List<URI> endpoints = new ArrayList<>();
      for (int d = 0; d < ENDPOINTS / 1000; d++) {
        try (Device device = new Device(server.webSocketUri())) {
          for (int n = 0; n < 1000; n++) {
            device.askToRegister(UUID.randomUUID());
          }
          for (int n = 0; n < 1000; n++) {
            endpoints.add(device.registered());
          }
        }
      }
      OkHttpClient client = new OkHttpClient();
      for (int round = 1; round <= 3; round++) {
        measure(
            "publishAll",
            round * 10 + 1,
            endpoints,
            (all, version) -> check(notifier, all, version));
        measure("OkHttp, enqueue", round * 10 + 2, endpoints, (all, v) -> enqueue(client, all, v));
        measure("OkHttp, loop", round * 10 + 3, endpoints, (all, v) -> loop(client, all, v));
      }
      client.dispatcher().executorService().shutdown();
    }
  }

  private static void measure(String name, long version, List<URI> endpoints, Way way)
      throws Exception {
    long begun = System.nanoTime();
    way.publish(endpoints, version);
    double seconds = (System.nanoTime() - begun) / 1e9;
    System.out.printf("%-16s %7.0f endpoints/s%n", name, endpoints.size() / seconds);
  }

  private static void check(Notifier notifier, List<URI> endpoints, long version) throws Exception {
    Summary summary = notifier.publishAll(endpoints, version).get();
    if (summary.accepted() != endpoints.size()) {
      throw new IllegalStateException(summary.toString());
    }
  }

  private static Request request(URI endpoint, long version) {
    return new Request.Builder()
        .url(endpoint.toString())
        .put(RequestBody.create("version=" + version, FORM))
        .build();
  }

  private static void enqueue(OkHttpClient client, List<URI> endpoints, long version)
      throws Exception {
    CountDownLatch left = new CountDownLatch(endpoints.size());
    for (URI endpoint : endpoints) {
      client
          .newCall(request(endpoint, version))
          .enqueue(
              new Callback() {
                @Override
                public void onFailure(Call call, IOException e) {
                  throw new IllegalStateException(e);
                }

                @Override
                public void onResponse(Call call, Response response) throws IOException {
                  response.body().bytes();
                  left.countDown();
                }
              });
    }
    left.await();
  }

  private static void loop(OkHttpClient client, List<URI> endpoints, long version)
      throws Exception {
    for (URI endpoint : endpoints) {
      try (Response response = client.newCall(request(endpoint, version)).execute()) {
        response.body().bytes();
      }
    }
  }
}
