// Renders a photo in the manner of a painting, with a model folder of stylize and without Python.
//
//     stylize MODEL PHOTO PAINTING OUT.png [ITERATIONS]
//
// What goes into the graphs and what comes out is told in models/README.md.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <onnxruntime_cxx_api.h>

#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>

using Json = nlohmann::json;
using Names = std::vector<std::string>;
using Shape = std::vector<int64_t>;
using Tensors = std::map<std::string, Ort::Value>;
using Path = std::filesystem::path;

const Names CONTENT = {"conv4_2"};  // The layers of Gatys et al. (2015).
const Names STYLE = {"conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"};
const float ALPHA = 1;
const float BETA = 1000;
const int64_t HISTORY = 10;  // Steps that L-BFGS remembers.

Ort::Value zeros(const Shape& shape) {
    Ort::AllocatorWithDefaultOptions allocator;
    auto tensor = Ort::Value::CreateTensor<float>(allocator, shape.data(), shape.size());
    std::fill_n(tensor.GetTensorMutableData<float>(),
                tensor.GetTensorTypeAndShapeInfo().GetElementCount(), 0.0f);
    return tensor;
}

Ort::Value vector(const std::vector<float>& values) {
    auto tensor = zeros({int64_t(values.size())});
    std::copy(values.begin(), values.end(), tensor.GetTensorMutableData<float>());
    return tensor;
}

Ort::Value scalar(float value) {
    auto tensor = zeros({});
    *tensor.GetTensorMutableData<float>() = value;
    return tensor;
}

Shape shape_of(const Ort::Value& tensor) { return tensor.GetTensorTypeAndShapeInfo().GetShape(); }

float number(const Ort::Value& tensor) { return *tensor.GetTensorData<float>(); }

/// Reads a picture as RGB in 0...1, of shape (1, 3, height, width).
Ort::Value read(const std::string& file) {
    int width, height, channels;
    std::unique_ptr<stbi_uc, void (*)(void*)> data(
        stbi_load(file.c_str(), &width, &height, &channels, 3), stbi_image_free);
    if (!data) throw std::runtime_error("'" + file + "': " + stbi_failure_reason());
    auto image = zeros({1, 3, height, width});
    float* values = image.GetTensorMutableData<float>();
    const size_t pixels = size_t(width) * height;
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t channel = 0; channel < 3; channel++)
            values[channel * pixels + pixel] = data.get()[3 * pixel + channel] / 255.0f;
    return image;
}

void write(const Ort::Value& image, const std::string& file) {
    const auto shape = shape_of(image);
    const size_t pixels = shape[2] * shape[3];
    const float* values = image.GetTensorData<float>();
    std::vector<stbi_uc> data(3 * pixels);
    for (size_t pixel = 0; pixel < pixels; pixel++)
        for (size_t channel = 0; channel < 3; channel++) {
            const float value = std::clamp(values[channel * pixels + pixel], 0.0f, 1.0f);
            data[3 * pixel + channel] = stbi_uc(std::lround(255 * value));
        }
    const int width = int(shape[3]), height = int(shape[2]);
    if (!stbi_write_png(file.c_str(), width, height, 3, data.data(), 3 * width))
        throw std::runtime_error("'" + file + "' cannot be written.");
}

/// A graph, loaded for images of one size; then it is as fast as one without free dimensions.
class Graph {
public:
    Graph(Ort::Env& env, const Path& folder, const Json& graph,
          const std::map<std::string, int64_t>& sizes)
        : session(env, (folder / file_of(graph)).c_str(), pinned(sizes)), binding(session) {
        for (const auto& input : graph["inputs"]) {
            Shape shape;
            for (const auto& side : input["shape"])
                shape.push_back(side.is_string() ? sizes.at(side) : side.get<int64_t>());
            inputs[input["name"]] = shape;
        }
        for (const auto& output : graph["outputs"]) outputs.push_back(output["name"]);
    }

    Tensors zero_inputs() const {
        Tensors found;
        for (const auto& [name, shape] : inputs) found[name] = zeros(shape);
        return found;
    }

    /// Computes all outputs; each input is taken from the first of what is given that has it.
    Tensors run(const std::vector<const Tensors*>& given) {
        binding.ClearBoundInputs();
        binding.ClearBoundOutputs();
        for (const auto& [name, shape] : inputs)
            binding.BindInput(name.c_str(), find(name, given));
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
        for (const auto& name : outputs) binding.BindOutput(name.c_str(), memory);
        session.Run(Ort::RunOptions{}, binding);
        auto values = binding.GetOutputValues();
        Tensors found;
        for (size_t i = 0; i < outputs.size(); i++) found[outputs[i]] = std::move(values[i]);
        return found;
    }

private:
    static std::string file_of(const Json& graph) {
#if defined(__x86_64__) || defined(_M_X64)
        if (!graph["blocked"].is_null()) return graph["blocked"]["file"];  // faster on x86
#endif
        return graph["file"];
    }

    static Ort::SessionOptions pinned(const std::map<std::string, int64_t>& sizes) {
        Ort::SessionOptions options;
        const auto& api = Ort::GetApi();
        for (const auto& [name, size] : sizes)
            Ort::ThrowOnError(api.AddFreeDimensionOverrideByName(options, name.c_str(), size));
        return options;
    }

    static const Ort::Value& find(const std::string& name,
                                  const std::vector<const Tensors*>& given) {
        for (const auto* tensors : given)
            if (const auto found = tensors->find(name); found != tensors->end())
                return found->second;
        throw std::runtime_error("Nothing is given for the input " + name + ".");
    }

    Ort::Session session;
    Ort::IoBinding binding;
    std::map<std::string, Shape> inputs;
    Names outputs;
};

/// The graphs of a model folder.
class Model {
public:
    explicit Model(const Path& folder) : folder(folder) {
        std::ifstream(folder / "model.json") >> manifest;
    }

    Graph gradient(const Ort::Value& image) {
        return load(find(manifest["gradients"], CONTENT, STYLE), image);
    }

    Graph optimizer(const Ort::Value& image) {
        return load(manifest["optimizers"]["lbfgs"], image);
    }

    /// Computes what a loss compares with: a photo's responses, or a painting's Gram matrices.
    void targets(const Ort::Value& image, const Names& content, const Names& style,
                 Tensors& found) {
        Tensors given;
        given["image"] = view(image);
        auto graph = load(find(manifest["targets"], content, style), image);
        found.merge(graph.run({&given}));
    }

    /// Returns a tensor of the same numbers, which stay where they are.
    static Ort::Value view(const Ort::Value& tensor) {
        const auto memory = Ort::MemoryInfo::CreateCpu(OrtDeviceAllocator, OrtMemTypeDefault);
        const auto info = tensor.GetTensorTypeAndShapeInfo();
        const auto shape = info.GetShape();
        auto* numbers = const_cast<float*>(tensor.GetTensorData<float>());
        return Ort::Value::CreateTensor<float>(memory, numbers, info.GetElementCount(),
                                               shape.data(), shape.size());
    }

private:
    static const Json& find(const Json& graphs, const Names& content, const Names& style) {
        for (const auto& graph : graphs) {
            const auto& layers = graph["layers"];
            if (layers["content"] == content && layers["style"] == style &&
                layers["statistics"] == "gram" && !layers["guided"])
                return graph;
        }
        throw std::runtime_error("The model has no graph for these layers.");
    }

    Graph load(const Json& graph, const Ort::Value& image) {
        const auto shape = shape_of(image);
        std::map<std::string, int64_t> sizes = {{"height", shape[2]},
                                                {"width", shape[3]},
                                                {"places", HISTORY + 1},
                                                {"rows", 2 * (HISTORY + 1)}};
        for (const auto& layer : manifest["layers"]) {
            const std::string name = layer["name"];
            const int64_t stride = layer["stride"];
            sizes[name + "_height"] = shape[2] / stride;
            sizes[name + "_width"] = shape[3] / stride;
        }
        return Graph(env, folder, graph, sizes);
    }

    Path folder;
    Json manifest;
    Ort::Env env{ORT_LOGGING_LEVEL_ERROR, "stylize"};
};

/// Iterates on the pixels, from the photo on; returns what the optimiser remembers at last.
Tensors transfer(Model& model, const Ort::Value& photo, const Ort::Value& painting,
                 int iterations) {
    Tensors fixed;
    model.targets(photo, CONTENT, {}, fixed);
    model.targets(painting, {}, STYLE, fixed);
    fixed["content_weights"] = vector({ALPHA});
    fixed["style_weights"] = vector(std::vector<float>(STYLE.size(), BETA / STYLE.size()));

    auto gradient = model.gradient(photo);
    auto optimizer = model.optimizer(photo);
    auto state = optimizer.zero_inputs();
    state["image"] = Model::view(photo);
    state["best_total"] = scalar(std::numeric_limits<float>::infinity());
    state["pace"] = scalar(1);
    state["least"] = scalar(0);
    state["most"] = scalar(1);

    for (int iteration = 1; iteration <= iterations; iteration++) {
        const auto found = gradient.run({&fixed, &state});
        auto moved = optimizer.run({&found, &state});
        if (number(moved.at("failed"))) throw std::runtime_error("The loss is not finite.");
        for (auto& [name, tensor] : moved)
            if (name.rfind("next_", 0) == 0) state[name.substr(5)] = std::move(tensor);
        if (iteration % 10 == 0)
            std::cout << iteration << ": " << number(found.at("total")) << std::endl;
    }
    return state;
}

int main(int count, char** arguments) {
    const int iterations = count > 5 ? std::atoi(arguments[5]) : 100;
    if (count < 5 || iterations < 1) {
        std::cerr << "usage: stylize MODEL PHOTO PAINTING OUT.png [ITERATIONS]\n";
        return 2;
    }
    try {
        Model model(arguments[1]);
        const auto photo = read(arguments[2]), painting = read(arguments[3]);
        const auto best = transfer(model, photo, painting, iterations);
        write(best.at("best_image"), arguments[4]);
        std::cout << "loss " << number(best.at("best_total")) << "\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
}
